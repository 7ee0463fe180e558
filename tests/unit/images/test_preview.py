import io
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sample_photos import STORED, difference, exif, jpeg, scene

from photofind.errors import ImageError
from photofind.images import preview
from photofind.images.decode import decode
from photofind.images.limits import DEFAULT_LIMITS, Limits
from photofind.images.metadata import read_metadata
from photofind.images.preview import read_embedded_thumbnail, read_preview

# pytest puts its own filters in place of those that the code sets at import.
pytestmark = pytest.mark.filterwarnings("ignore")

SIZE = (40, 80)


@pytest.fixture
def preview_of(tmp_path: Path):
    """Return a function that reads the preview of a file with these bytes."""

    def read(data: bytes, limits: Limits = DEFAULT_LIMITS):
        path = tmp_path / "photo.jpg"
        path.write_bytes(data)
        return read_preview(path, SIZE, limits)

    return read


def photo(thumbnail: bytes | np.ndarray, size=(400, 640), **options) -> bytes:
    """Return a blank JPEG of ``size``, height and width, with this thumbnail."""
    if isinstance(thumbnail, np.ndarray):
        thumbnail = jpeg(thumbnail)
    return jpeg(np.full((*size, 3), 128, np.uint8), exif=exif(thumbnail, **options))


def heif(picture: np.ndarray, thumbnails=(160,), **options) -> bytes:
    options |= {"quality": 90, "thumbnails": [*thumbnails], "enc_params": {"preset": "ultrafast"}}
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "HEIF", **options)
    return buffer.getvalue()


def test_the_preview_is_the_thumbnail(preview_of):
    data = photo(scene(100, 160))
    found = preview_of(data)
    assert (found.picture.width, found.picture.height, found.picture.format) == (640, 400, "JPEG")
    assert found.picture.pixels.dtype == np.uint8
    assert difference(found.picture.pixels, scene(*SIZE)) < 6
    assert read_metadata(found.head) == read_metadata(data)
    assert read_metadata(found.head).camera == "Camera"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_exactly_once(preview_of, orientation, order):
    stored = Image.fromarray(scene(100, 160))
    size = (400, 640)
    if orientation in STORED:
        stored = stored.transpose(STORED[orientation])
    if orientation >= 5:
        size = size[::-1]
    # A thumbnail with an EXIF orientation of its own has the same one.
    for own in (1, orientation):
        tags = Image.Exif()
        tags[274] = own
        data = photo(jpeg(stored, exif=tags), size, orientation=orientation, order=order)
        found = preview_of(data).picture
        assert (found.width, found.height) == (640, 400)
        assert difference(found.pixels, scene(*SIZE)) < 6


def test_a_doubled_exif_prefix_is_accepted(preview_of):
    block = b"Exif\0\0" + exif(jpeg(scene(100, 160)))
    assert preview_of(jpeg(np.zeros((400, 640, 3), np.uint8), exif=block)) is not None


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((2000, 3000), (107, 160)),
        ((1080, 1920), (90, 160)),
        ((3000, 2000), (120, 80)),
        ((1000, 1000), (120, 120)),
    ],
)
def test_bars_are_cut_off(preview_of, size, shown, orientation):
    thumbnail = np.zeros((120, 160, 3), np.uint8)
    top, left = (120 - shown[0]) // 2, (160 - shown[1]) // 2
    picture = scene(*shown) if orientation == 1 else np.rot90(scene(*shown[::-1]))
    thumbnail[top : top + shown[0], left : left + shown[1]] = picture
    found = preview_of(photo(thumbnail, size, orientation=orientation))
    assert difference(found.picture.pixels, scene(*SIZE)) < 10


def test_sides_may_be_rounded(preview_of):
    # From a phone: of 4032 x 3024, rounded to multiples of 8.
    found = preview_of(photo(scene(376, 504), (1512, 2016)))
    assert difference(found.picture.pixels, scene(*SIZE)) < 6


def test_another_shape_is_another_picture(preview_of):
    assert preview_of(photo(scene(120, 160), (640, 400))) is None
    assert preview_of(photo(scene(120, 160), (400, 600))) is None
    half = np.zeros((120, 160, 3), np.uint8)
    half[:60] = scene(60, 160)  # Dark below, but not above.
    assert preview_of(photo(half, (400, 600))) is None


THUMBNAIL = jpeg(scene(100, 160))
HUGE = THUMBNAIL.replace(
    b"\x08" + bytes([0, 100, 0, 160]), b"\x08" + (65500).to_bytes(2) + (65500).to_bytes(2)
)


@pytest.mark.parametrize(
    "data",
    [
        jpeg(scene(400, 640)),
        photo(scene(50, 80)),
        photo(np.full((100, 160, 3), 128, np.uint8)),
        photo(b""),
        photo(b"\xff\xd8\xff no picture"),
        photo(THUMBNAIL[: len(THUMBNAIL) // 2]),
        photo(HUGE),
        photo(b"\x89PNG\r\n\x1a\n" + bytes(500)),
        photo(THUMBNAIL, start=0),
        photo(THUMBNAIL, start=0xFFFFFFFF),
        photo(THUMBNAIL, start=60000),
        photo(THUMBNAIL, length=0),
        photo(THUMBNAIL, length=900),
        photo(THUMBNAIL, following=0xFFFFFFF0),
        photo(THUMBNAIL, following=8),
        photo(THUMBNAIL, following=4),
        jpeg(scene(400, 640), exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe1\xff\xff",
        b"\xff\xd8\xff\xe1\0\0",
        b"\xff\xd8\xff\xe1\0\0" * 50_000,
        b"\xff\xd8" + b"\xff" * 2_000_000,
        b"Dear diary",
    ],
)
def test_unusable_thumbnails_are_ignored(preview_of, data):
    assert HUGE != THUMBNAIL
    assert preview_of(data) is None


def test_a_length_beyond_the_end_is_cut(preview_of):
    assert preview_of(photo(THUMBNAIL, length=0xFFFFFFFF)) is not None


def test_a_photo_over_the_limit_has_no_preview(preview_of):
    data = photo(THUMBNAIL)
    assert preview_of(data, Limits(pixels=4000)) is not None
    assert preview_of(data, Limits(pixels=3999)) is None


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path):
    (tmp_path / "empty").touch()
    for name, reason in (("missing", "no such file"), (".", "a folder"), ("empty", "is empty")):
        with pytest.raises(ImageError, match=reason):
            read_preview(tmp_path / name, SIZE)


@pytest.mark.parametrize("segments", [0, 1, 5, 15])
def test_the_header_is_read_and_not_the_rest(tmp_path, monkeypatch, segments):
    data = photo(THUMBNAIL)
    profile = b"\xff\xe2\xff\xff" + b"\xff" * 65533  # Of maximum length, and looks like markers.
    data = data[:2] + profile * segments + data[2:] + bytes(4_000_000)
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    read = _counted(monkeypatch)
    found = read_preview(path, SIZE)
    assert difference(found.picture.pixels, scene(*SIZE)) < 6
    assert sum(read) <= max(1 << 16, 2 * len(found.head))
    assert len(found.head) == data.rindex(b"\xff\xda") + 14


def test_an_endless_header_is_given_up(tmp_path, monkeypatch):
    data = photo(THUMBNAIL)
    profile = b"\xff\xe2\xff\xff" + bytes(65533)
    path = tmp_path / "photo.jpg"
    path.write_bytes(data[:2] + profile * 200 + data[2:])
    read = _counted(monkeypatch)
    assert read_preview(path, SIZE) is None
    assert sum(read) < 3_000_000


def _counted(monkeypatch) -> list[int]:
    """Return a list to which the length of every read is appended."""
    lengths: list[int] = []

    class Counted:
        def __init__(self, file):
            self.seek = file.seek
            self._file = file

        def read(self, size):
            data = self._file.read(size)
            lengths.append(len(data))
            return data

    true_open_file = preview.open_file

    @contextmanager
    def open_file(path, limits):
        with true_open_file(path, limits) as (file, size):
            yield Counted(file), size

    monkeypatch.setattr(preview, "open_file", open_file)
    return lengths


def test_contents_are_distinguished(preview_of):
    data = photo(THUMBNAIL)
    same = preview_of(data).content
    assert same.startswith("~")
    assert same == preview_of(data).content
    others = {
        preview_of(data + b"\0").content,
        preview_of(photo(THUMBNAIL, orientation=3)).content,
        preview_of(photo(jpeg(scene(100, 160), quality=91))).content,
    }
    assert len(others | {same}) == 4


@pytest.mark.parametrize("orientation", [None, *range(1, 9)])
def test_the_thumbnail_of_heif(preview_of, tmp_path, monkeypatch, orientation):
    # Noise, so that the photo is much larger than its thumbnail.
    noise = np.random.default_rng(0).integers(0, 30, (480, 768, 3), np.uint8)
    stored = Image.fromarray(scene(480, 768) // 2 + noise)
    tags = Image.Exif()
    tags[272] = "Camera"
    if orientation is not None:
        tags[274] = orientation
        if orientation in STORED:
            stored = stored.transpose(STORED[orientation])
    data = heif(np.asarray(stored), exif=tags.tobytes())
    read = _counted(monkeypatch)
    found = preview_of(data)
    assert (found.picture.width, found.picture.height, found.picture.format) == (768, 480, "HEIF")
    assert difference(found.picture.pixels, decode(data, SIZE).pixels) < 8
    assert read_metadata(found.head) == read_metadata(data)
    assert read_metadata(found.head).camera == "Camera"
    assert sum(read) < len(data) / 2 + (1 << 16)
    assert max(read_embedded_thumbnail(tmp_path / "photo.jpg").picture.size) == 160


@pytest.mark.parametrize("thumbnails", [(), (64,)])
def test_heif_without_a_usable_thumbnail(preview_of, thumbnails):
    assert preview_of(heif(scene(400, 640), thumbnails)) is None


VALID = [photo(THUMBNAIL), heif(scene(200, 320), (128,))]


@settings(max_examples=150, deadline=None)
@given(
    data=st.sampled_from(VALID),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    within=st.sampled_from([0.1, 1.0]),
    kept=st.floats(0, 1),
)
def test_mangled_bytes_give_a_preview_or_none(tmp_path_factory, data, changes, within, kept):
    mangled = bytearray(data)
    for place, value in changes:
        mangled[int(place * within * len(mangled))] = value
    path = tmp_path_factory.getbasetemp() / "mangled.jpg"
    path.write_bytes(mangled[: int(kept * len(mangled)) if kept < 0.5 else None] or b"\0")
    found = read_preview(path, SIZE, Limits(pixels=300_000))
    assert found is None or found.picture.pixels.shape == (*SIZE, 3)
