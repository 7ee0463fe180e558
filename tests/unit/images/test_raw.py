import io
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from photofind.errors import ImageError
from photofind.images.decode import decode
from photofind.images.limits import Limits
from photofind.images.metadata import read_metadata
from photofind.images.raw import raw_format

HEIGHT, WIDTH = 240, 320


def scene(height: int, width: int) -> np.ndarray:
    """Red increases to the right, green downwards."""
    rows, columns = np.mgrid[:height, :width]
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = 255 * columns // width
    pixels[..., 1] = 255 * rows // height
    return pixels


def make_dng(preview: np.ndarray | None, orientation: int = 1) -> bytes:
    """Return a DNG of the scene, starting with the given 8-bit preview, if any."""
    light = scene(HEIGHT, WIDTH).astype(np.uint16) * 64
    sensor = light[..., 1].copy()
    sensor[0::2, 0::2] = light[0::2, 0::2, 0]
    sensor[1::2, 1::2] = light[1::2, 1::2, 2]
    pattern = [(33421, "H", 2, (2, 2)), (33422, "B", 4, (0, 1, 1, 2)), (50717, "I", 1, 16383)]
    matrix = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)
    camera = [
        (271, "s", 0, "Test"),
        (272, "s", 0, "Test Camera"),
        (274, "H", 1, orientation),
        (306, "s", 0, "2021:05:03 10:11:12"),
        (50706, "B", 4, (1, 4, 0, 0)),
        (50708, "s", 0, "Test Camera"),
        (50721, "2i", 9, matrix),
        (50778, "H", 1, 21),
    ]
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        if preview is None:
            file.write(sensor, photometric="CFA", extratags=[*pattern, *camera], metadata=None)
        else:
            kind = "RGB" if preview.ndim == 3 else "MINISBLACK"
            file.write(
                preview,
                photometric=kind,
                subfiletype=1,
                subifds=1,
                extratags=camera,
                metadata=None,
            )
            file.write(sensor, photometric="CFA", extratags=pattern, metadata=None)
    return buffer.getvalue()


def make_dng_with_jpeg(orientation: int) -> bytes:
    """Return a DNG whose preview is a JPEG without EXIF, like from most cameras."""
    jpeg = io.BytesIO()
    Image.fromarray(scene(HEIGHT, WIDTH)).save(jpeg, "JPEG", quality=95)
    buffer = io.BytesIO(make_dng(np.frombuffer(jpeg.getvalue(), np.uint8)[None], orientation))
    with tifffile.TiffFile(buffer, mode="r+") as file:
        tags = file.pages.first.tags
        for code, value in ((256, WIDTH), (257, HEIGHT), (259, 7), (262, 6), (278, HEIGHT)):
            tags[code].overwrite(value)
    return buffer.getvalue()


def corners(pixels: np.ndarray) -> list[tuple[bool, bool]]:
    """Tell of each corner, clockwise from the top left, whether it is red and whether green."""
    return [tuple(bool(v > 127) for v in pixels[y, x, :2]) for y, x in CORNERS]


CORNERS = ((2, 2), (2, -3), (-3, -3), (-3, 2))
UPRIGHT = [(False, False), (True, False), (True, True), (False, True)]


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (6, 1), (3, 2), (8, 3)])
@pytest.mark.parametrize("preview", ["none", "too small", "bitmap", "jpeg"])
def test_a_raw_photo_is_upright_from_its_preview_or_without(preview, orientation, turns):
    if preview == "jpeg":
        data = make_dng_with_jpeg(orientation)
    else:
        sizes = {"none": None, "too small": scene(24, 32), "bitmap": scene(HEIGHT, WIDTH)}
        data = make_dng(sizes[preview], orientation)
    picture = decode(data, (64, 64))
    whole = (HEIGHT, WIDTH) if turns % 2 else (WIDTH, HEIGHT)
    assert (picture.width, picture.height, picture.format) == (*whole, "DNG")
    assert corners(picture.pixels) == UPRIGHT[-turns:] + UPRIGHT[:-turns]


def test_the_preview_comes_before_the_sensor():
    grey = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    assert (decode(make_dng(grey), (64, 64)).pixels == 100).all()


def test_too_many_pixels_are_refused():
    with pytest.raises(ImageError, match="too large: 320 x 240"):
        decode(make_dng(None), (64, 64), Limits(pixels=70_000))


def test_metadata_of_raw():
    for data in (make_dng(None), make_dng_with_jpeg(1)):
        metadata = read_metadata(data)
        assert metadata.captured == "2021-05-03T10:11:12"
        assert metadata.camera == "Test Camera"


def test_without_rawpy_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(ImageError, match=r"pip install 'photofind\[raw\]'"):
        decode(make_dng(None), (64, 64))


@pytest.mark.parametrize(
    ("start", "format_name"),
    [
        (b"FUJIFILMCCD-RAW 0201", "RAF"),
        (b"IIRO\x08\0\0\0", "ORF"),
        (b"IIU\0\x18\0\0\0", "RW2"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "CR3"),
        (b"II*\0\x10\0\0\0CR\x02\0", "CR2"),
        (b"\xff\xd8\xff\xe0", None),
        (b"", None),
    ],
)
def test_raw_formats_are_recognised_by_signature(start, format_name):
    data = start + bytes(200)
    assert raw_format(data) == format_name
    if format_name:
        assert read_metadata(data).captured is None
        with pytest.raises(ImageError, match="cannot be decoded: Unsupported file format"):
            decode(data, (8, 8))


def test_tiff_is_not_raw():
    buffer = io.BytesIO()
    Image.fromarray(scene(20, 20)).save(buffer, "TIFF")
    assert raw_format(buffer.getvalue()) is None
    assert raw_format(buffer.getvalue(), "photo.tif") is None
    assert raw_format(buffer.getvalue(), "photo.NEF") == "NEF"


def test_tiff_ep_is_raw_whatever_its_name():
    reduced = scene(24, 32)
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(reduced, photometric="RGB", subfiletype=1, subifds=1, metadata=None)
        file.write(scene(HEIGHT, WIDTH), photometric="RGB", metadata=None)
    assert raw_format(buffer.getvalue(), "photo.tif") == "RAW"
