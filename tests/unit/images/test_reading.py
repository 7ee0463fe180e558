import errno
import os
from pathlib import Path

import pytest

from photofind.errors import ImageError, PassingImageError
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.images.reading import content_id, read_bytes


def test_a_file_is_read_whole(tmp_path: Path):
    path = tmp_path / "photo"
    path.write_bytes(os.urandom(100_000))
    assert read_bytes(path, DEFAULT_LIMITS) == path.read_bytes()
    assert read_bytes(str(path), DEFAULT_LIMITS) == path.read_bytes()


def test_what_cannot_be_read_says_why(tmp_path: Path):
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(bytes(11))
    for name, reason in [
        ("missing", "no such file"),
        (".", "a folder"),
        ("empty", "is empty"),
        ("large", "too large: 11 bytes, limit 10"),
        ("large/under a file", "cannot be read|no such file"),
        ("null\0character", "cannot be read"),
    ]:
        with pytest.raises(ImageError, match=reason):
            read_bytes(f"{tmp_path}/{name}", Limits(bytes=10))


def test_a_pipe_does_not_block(tmp_path: Path):
    irregular = [os.devnull]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        irregular.append(str(tmp_path / "pipe.jpg"))
    for path in irregular:
        with pytest.raises(ImageError, match="not a regular file"):
            read_bytes(path, DEFAULT_LIMITS)


def test_an_unreadable_file_states_the_reason(tmp_path: Path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "photo"
    path.write_bytes(b"x")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PassingImageError, match="permission denied; check"):
        read_bytes(path, DEFAULT_LIMITS)


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.ENOMEM, errno.ETIMEDOUT])
def test_what_the_system_refuses_passes(tmp_path: Path, monkeypatch, number: int):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    path = tmp_path / "photo"
    path.write_bytes(b"x")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PassingImageError, match=os.strerror(number)):
        read_bytes(path, DEFAULT_LIMITS)


def test_what_the_file_is_to_blame_for_does_not_pass(tmp_path: Path):
    (tmp_path / "empty").touch()
    for name in ("empty", ".", "null\0character", "x" * 300):
        with pytest.raises(ImageError) as caught:
            read_bytes(f"{tmp_path}/{name}", DEFAULT_LIMITS)
        assert not isinstance(caught.value, PassingImageError)


def test_content_ids():
    assert content_id(b"photo") == content_id(bytearray(b"photo"))
    assert content_id(b"photo") != content_id(b"photo ")
    # BLAKE2b with a digest of 16 bytes, of nothing (RFC 7693's parameters).
    assert content_id(b"") == "cae66941d9efbd404e4d88758ea67670"
