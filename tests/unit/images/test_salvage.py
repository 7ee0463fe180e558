import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from sample_photos import difference, scene

from photofind.images.decode import decode
from photofind.images.limits import Limits
from photofind.images.metadata import read_metadata

pytestmark = pytest.mark.filterwarnings("ignore")


def encode(format_name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(scene(120, 160)).save(buffer, format_name, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes, checksum: int | None = None) -> bytes:
    right = zlib.crc32(kind + content)
    end = struct.pack(">I", right if checksum is None else checksum)
    return struct.pack(">I", len(content)) + kind + content + end


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "TIFF", "PPM"])
def test_a_cut_photo_is_shown_as_far_as_it_goes_with_a_note(format_name):
    data = encode(format_name)
    picture = decode(data[: len(data) * 3 // 4], (48, 64))
    assert "as far as" in picture.note
    assert difference(picture.pixels[:12], scene(48, 64)[:12]) < 8
    assert decode(data, (48, 64)).note is None


def test_a_jpeg_without_end_marker_is_whole():
    assert difference(decode(encode("JPEG", quality=95)[:-2], (48, 64)).pixels, scene(48, 64)) < 6


@pytest.mark.parametrize(
    "part",
    [
        chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b"x" * 2_000_000)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"x" * 2_000_000)),
        chunk(b"iCCP", b"icc\0\0" + zlib.compress(b"x" * 2_000_000)),
        chunk(b"tEXt", b"a\0b", 0),
        chunk(b"iCCP", b"icc\0\0" + zlib.compress(b"x" * 100), 0),
    ],
)
def test_parts_of_the_header_of_a_png_cost_no_photo(part):
    data = encode("PNG")
    picture = decode(data[:33] + part + data[33:], (48, 64))
    assert difference(picture.pixels, scene(48, 64)) < 6
    assert "header" in picture.note


def test_tolerance_ends_with_the_photo_that_needed_it():
    data = encode("JPEG")
    for _ in range(2):
        assert decode(data[: len(data) * 3 // 4], (48, 64)).note
        assert decode(data, (48, 64)).note is None


def test_a_jpeg_above_the_limit_is_read_reduced():
    buffer = io.BytesIO()
    Image.fromarray(scene(1200, 1600)).save(buffer, "JPEG")
    picture = decode(buffer.getvalue(), (8, 8), Limits(pixels=500_000))
    assert (picture.width, picture.height) == (1600, 1200)
    assert difference(picture.pixels, scene(8, 8)) < 16


def test_white_may_be_zero_in_16_bits():
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (64, 1))
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, 65535 - ramp, photometric="miniswhite")
    row = decode(buffer.getvalue(), (8, 8)).pixels[0, :, 0].astype(int)
    assert row[0] < 30 < 220 < row[-1]


def test_floating_point_colours():
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, (scene(120, 160) / 255).astype(np.float32), photometric="rgb")
    picture = decode(buffer.getvalue(), (48, 64))
    assert difference(picture.pixels, scene(48, 64)) < 6


def test_the_photo_of_a_tiff_comes_after_its_thumbnail():
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as tiff:
        tiff.write(np.zeros((12, 16, 3), np.uint8), photometric="rgb", subfiletype=1)
        tiff.write(scene(120, 160), photometric="rgb")
    picture = decode(buffer.getvalue(), (48, 64))
    assert (picture.width, picture.height) == (160, 120)
    assert difference(picture.pixels, scene(48, 64)) < 6


def test_jpeg_xl():
    pytest.importorskip("pillow_jxl")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2021:05:03 10:11:12"
    data = encode("JXL", quality=95, exif=exif.tobytes(), use_container=True)
    picture = decode(data, (48, 64))
    assert (picture.width, picture.height, picture.format) == (160, 120, "JXL")
    assert difference(picture.pixels, scene(48, 64)) < 8
    assert read_metadata(data).captured == "2021-05-03T10:11:12"


@pytest.mark.parametrize(
    ("written", "captured"),
    [
        ("2015:08:22 24:08:19", "2015-08-22T00:08:19"),
        ("2021:05:03  9:11:12", "2021-05-03T09:11:12"),
        ("2021: 5: 3 10:11:12", "2021-05-03T10:11:12"),
        ("2021:5:3 10:11:12", "2021-05-03T10:11:12"),
        ("2021/05/03 10:11:12", "2021-05-03T10:11:12"),
        ("2021:05:03 10:59:60", "2021-05-03T11:00:00"),
        ("0001:01:01 00:00:00", None),
        ("2021:13:03 10:11:12", None),
    ],
)
def test_times_as_cameras_write_them(written, captured):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = written
    assert read_metadata(encode("JPEG", exif=exif)).captured == captured


def test_seconds_of_a_position_may_be_missing():
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 30.0), 3: "E", 4: (2.0, 15.0)})
    metadata = read_metadata(encode("JPEG", exif=exif))
    assert (metadata.latitude, metadata.longitude) == (48.5, 2.25)


XMP = (
    '<?xml version="1.0" encoding="{}"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:d="http://www.digikam.org/ns/1.0/">'
    "<lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Paris</rdf:li></rdf:Bag>"
    "</lr:hierarchicalSubject><d:TagsList><rdf:Seq><rdf:li>Animals/Dog</rdf:li></rdf:Seq>"
    "</d:TagsList></rdf:Description></rdf:RDF></x:xmpmeta>\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_keywords_in_paths_in_any_encoding(encoding):
    sidecar = XMP.format(encoding.upper()[:6]).encode(encoding)
    keywords = read_metadata(encode("JPEG"), sidecar).keywords
    assert keywords == ("Paris", "Dog")


def test_iptc_in_windows_encoding():
    word = "l\u2019Alpe \u2013 \u0152uvre"
    text = word.encode("cp1252")
    block = b"\x1c\x02\x19" + struct.pack(">H", len(text)) + text
    block += b"\0" * (len(block) % 2)
    head = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block
    data = encode("JPEG")
    data = data[:2] + b"\xff\xed" + struct.pack(">H", len(head) + 2) + head + data[2:]
    assert read_metadata(data).keywords == (word,)
