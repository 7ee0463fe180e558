import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sample_photos import ORIENTATION, STORED, difference, scene

from photofind.errors import ImageError
from photofind.images.decode import decode
from photofind.images.limits import Limits
from photofind.images.metadata import read_metadata

# pytest puts its own filters in place of those that the code sets at import.
pytestmark = pytest.mark.filterwarnings("ignore")


def encode(picture: Image.Image | np.ndarray, format_name: str, **options: object) -> bytes:
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("format_name", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 95, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("GIF", {}),
        ("AVIF", {"quality": 95}),
        ("JPEG2000", {}),
        ("PPM", {}),
        ("HEIF", {"quality": 95}),
    ],
)
def test_every_format_is_decoded(format_name, options):
    picture = decode(encode(scene(120, 160), format_name, **options), (48, 64))
    assert (picture.width, picture.height, picture.format) == (160, 120, format_name)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.shape == (48, 64, 3)
    assert difference(picture.pixels, scene(48, 64)) < 6


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_exactly_once(format_name, orientation):
    stored = Image.fromarray(scene(400, 640))
    turn = STORED.get(orientation)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    if turn is not None:
        stored = stored.transpose(turn)
    data = encode(stored, format_name, exif=exif.tobytes())
    picture = decode(data, (40, 80))
    assert (picture.width, picture.height) == (640, 400)
    assert difference(picture.pixels, scene(40, 80)) < 6


def test_damaged_exif_is_ignored():
    data = encode(scene(40, 60), "JPEG", quality=95, exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert difference(decode(data, (40, 60)).pixels, scene(40, 60)) < 6


def test_scaled_decoding_agrees_with_full_decoding():
    noise = np.random.default_rng(0).integers(0, 60, (1500, 2000, 3), np.uint8)
    data = encode(scene(1500, 2000) // 2 + noise, "JPEG", quality=90)
    full = Image.open(io.BytesIO(data)).resize((224, 224), Image.Resampling.BILINEAR)
    picture = decode(data, (224, 224))
    assert (picture.width, picture.height) == (2000, 1500)
    assert difference(picture.pixels, np.asarray(full)) < 0.4


GREY = np.array([[0, 64], [128, 255]], np.uint8).repeat(8, 0).repeat(8, 1)


@pytest.mark.parametrize(
    ("values", "format_name"),
    [
        ((GREY.astype(np.uint16) * 257), "PNG"),
        ((GREY.astype(np.uint16) * 257), "TIFF"),
        ((GREY.astype(np.int32) * 257), "TIFF"),
        ((GREY.astype(np.int32)), "TIFF"),
        ((GREY.astype(np.float32) / 255), "TIFF"),
        ((GREY.astype(np.float32)), "TIFF"),
        ((GREY.astype(np.float32) * 1e6), "TIFF"),
    ],
)
def test_wide_values_keep_their_brightness(values, format_name):
    pixels = decode(encode(values, format_name), (16, 16)).pixels
    assert difference(pixels, GREY[..., None]) <= 1


def test_big_endian_16_bits_keep_their_brightness():
    big_endian = Image.frombytes("I;16B", (16, 16), (GREY.astype(">u2") * 257).tobytes())
    assert difference(decode(encode(big_endian, "TIFF"), (16, 16)).pixels, GREY[..., None]) <= 1


def test_nan_is_black():
    values = GREY.astype(np.float32) / 255
    values[0, 0], values[0, 1] = np.nan, np.inf
    pixels = decode(encode(values, "TIFF"), (16, 16)).pixels
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[-1, -1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_shows_white(mode):
    picture = Image.fromarray(scene(32, 32)).convert(mode)
    picture.putalpha(Image.fromarray(np.tile(np.uint8([0, 255]).repeat(16), (32, 1))))
    pixels = decode(encode(picture, "PNG"), (32, 32)).pixels
    assert (pixels[:, :15] == 255).all()
    opaque = np.asarray(Image.fromarray(scene(32, 32)).convert(mode).convert("RGB"))
    assert difference(pixels[:, 18:], opaque[:, 18:]) < 1


def test_a_transparent_colour_of_a_palette_shows_white():
    picture = Image.new("P", (16, 16), 1)
    picture.putpalette([0, 0, 0, 200, 10, 10])
    picture.paste(0, (0, 0, 16, 8))
    pixels = decode(encode(picture, "GIF", transparency=0), (16, 16)).pixels
    assert pixels[1, 1].tolist() == [255, 255, 255]
    assert pixels[14, 14].tolist() == [200, 10, 10]


def test_one_bit_is_averaged():
    checkers = np.indices((64, 64)).sum(axis=0) % 2 == 0
    pixels = decode(encode(Image.fromarray(checkers), "PNG"), (4, 4)).pixels
    assert difference(pixels, np.full((4, 4, 3), 127)) < 10


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF"])
def test_cmyk_is_not_inverted(format_name):
    cmyk = Image.fromarray(scene(32, 32)).convert("CMYK")
    assert difference(decode(encode(cmyk, format_name), (32, 32)).pixels, scene(32, 32)) < 12


def test_lab_is_converted():
    white, red = (255, 0, 0), (136, 80, 67)  # L* of 255 for 100; a* and b* signed.
    lab = Image.frombytes("LAB", (16, 16), bytes(white * 128 + red * 128))
    pixels = decode(encode(lab, "TIFF"), (16, 16)).pixels
    assert difference(pixels[0, 0], np.array([255, 255, 255])) < 3
    assert difference(pixels[-1, -1], np.array([255, 0, 0])) < 8


def test_the_first_frame_of_an_animation_is_the_photo():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("#c81414", "#1414c8")]
    for format_name in ("GIF", "PNG", "WEBP", "TIFF", "MPO"):
        data = encode(frames[0], format_name, save_all=True, append_images=frames[1:])
        assert difference(decode(data, (8, 8)).pixels, np.array([200, 20, 20])) < 6, format_name


def test_content_decides_not_the_name():
    data = encode(scene(16, 16), "PNG")
    assert decode(data, (16, 16), name="photo.nef").format == "PNG"


@pytest.mark.parametrize("format_name", ["WEBP", "AVIF"])
def test_a_truncated_file_is_an_error(format_name):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    data = encode(noise, format_name)
    with pytest.raises(ImageError):
        decode(data[: len(data) // 2], (32, 32))


def test_reasons_are_worded_for_users():
    jpeg = encode(scene(200, 200), "JPEG")
    for data, reason in [
        (b"", "not a picture"),
        (b"Dear diary, today I renamed this text.", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (jpeg[:300], "^truncated: "),
        (b"P5 \xff\xfe\n", "^cannot be decoded: "),
    ]:
        with pytest.raises(ImageError, match=reason):
            decode(data, (8, 8))


def test_formats_that_are_not_photos_are_refused():
    for format_name in ("ICO", "PCX", "TGA", "PDF", "EPS", "DDS", "SGI"):
        with pytest.raises(ImageError, match="not a picture"):
            decode(encode(scene(16, 16), format_name), (8, 8))


def test_declared_pixels_are_checked_before_decoding():
    header = b"P5 30000 20000 255\n"
    with pytest.raises(ImageError, match="too large: 30000 x 20000 pixels, limit 500,000,000"):
        decode(header, (8, 8), Limits(pixels=500_000_000))
    with pytest.raises(ImageError, match="too large"):
        decode(header, (8, 8))


def test_the_given_limit_overrides_pillows(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode(encode(scene(50, 50), "PNG"), (8, 8), Limits(pixels=2500)).width == 50
    with pytest.raises(ImageError, match="too large: 51 x 50 pixels"):
        decode(encode(scene(50, 51), "PNG"), (8, 8), Limits(pixels=2500))


def test_threads_decode_the_same():
    photos = [encode(np.roll(scene(300, 400), shift, 1), "JPEG") for shift in range(0, 400, 25)]
    alone = [decode(photo, (64, 64)).pixels for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        together = [picture.pixels for picture in pool.map(lambda p: decode(p, (64, 64)), photos)]
    assert np.array_equal(alone, together)


SMALL = Image.fromarray(scene(24, 32))
EXIF = Image.Exif()
EXIF[ORIENTATION] = 6
EXIF.get_ifd(0x8769)[0x9003] = "2021:05:03 10:11:12"
VALID = [
    encode(SMALL, name, exif=EXIF) for name in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF")
] + [encode(SMALL, name) for name in ("GIF", "BMP", "JPEG2000", "PPM")]


@settings(max_examples=150, deadline=None)
@given(
    data=st.sampled_from(VALID),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    kept=st.floats(0, 1),
)
def test_mangled_bytes_give_a_picture_or_a_reason(data, changes, kept):
    mangled = bytearray(data)
    for place, value in changes:
        mangled[int(place * len(mangled))] = value
    mangled = bytes(mangled[: int(kept * len(mangled)) if kept < 0.5 else None])
    read_metadata(mangled)
    try:
        picture = decode(mangled, (8, 8), Limits(pixels=100_000))
    except ImageError:
        return
    assert picture.pixels.shape == (8, 8, 3)
