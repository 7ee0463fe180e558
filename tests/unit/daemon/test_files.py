"""A photo's own file, as an answer."""

import asyncio
from pathlib import Path

import pytest
from starlette.responses import StreamingResponse

from photofind.daemon.answers import Refused
from photofind.daemon.files import OpenFile, file_response
from photofind.errors import FileNotAnsweringError
from photofind.system.reach import Reach


@pytest.fixture
def opened(tmp_path: Path) -> OpenFile:
    path = tmp_path / "photo.jpg"
    path.write_bytes(bytes(range(256)) * 4096)
    return OpenFile(path.open("rb"), "image/jpeg", path.stat(), str(path))


def sent(response: object) -> bytes:
    assert isinstance(response, StreamingResponse)

    async def all_of_it() -> list[bytes]:
        return [bytes(piece) async for piece in response.body_iterator]  # type: ignore[arg-type]

    return b"".join(asyncio.run(all_of_it()))


def test_a_file_is_sent_whole_and_closed(opened: OpenFile) -> None:
    assert sent(file_response(opened, {}, Reach())) == Path(opened.path).read_bytes()
    assert opened.file.closed


def test_a_range_is_sent(opened: OpenFile) -> None:
    response = file_response(opened, {"range": "bytes=300000-900000"}, Reach())
    assert response.status_code == 206
    assert sent(response) == Path(opened.path).read_bytes()[300_000:900_001]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (FileNotAnsweringError("it does not answer", "", "/", "/photo"), FileNotAnsweringError),
        (OSError(5, "Input/output error"), Refused),
    ],
)
def test_a_file_that_cannot_be_read_is_no_answer_that_is_cut_short(
    opened: OpenFile, error: Exception, raised: type[Exception]
) -> None:
    class Failing(Reach):
        def read(self, path: str, work: object) -> bytes:
            raise error

    with pytest.raises(raised):
        file_response(opened, {}, Failing())
    assert opened.file.closed
