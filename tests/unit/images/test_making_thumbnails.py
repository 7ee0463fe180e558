import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from sample_photos import ORIENTATION, STORED, difference, exif, jpeg, scene
from test_raw import make_dng

from photofind.errors import ImageError
from photofind.images.limits import Limits
from photofind.images.thumbnails import make_thumbnail

# pytest puts its own filters in place of those that the code sets at import.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def shown(tmp_path: Path):
    """Return a function that makes the thumbnail of a picture or of a file's bytes."""

    def make(
        photo: bytes | np.ndarray | Image.Image, size: int = 80, format_name: str = "PNG", **options
    ) -> Image.Image:
        path = tmp_path / "photo"
        if isinstance(photo, np.ndarray):
            photo = Image.fromarray(photo)
        if isinstance(photo, bytes):
            path.write_bytes(photo)
        else:
            photo.save(path, format_name, **options)
        thumbnail = Image.open(io.BytesIO(make_thumbnail(str(path), size)))
        assert (thumbnail.format, thumbnail.mode) == ("JPEG", "RGB")
        thumbnail.load()
        return thumbnail

    return make


@pytest.mark.parametrize(
    ("format_name", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 95, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("BMP", {}),
        ("GIF", {}),
        ("AVIF", {"quality": 95}),
        ("JPEG2000", {}),
        ("PPM", {}),
        ("HEIF", {"quality": 95}),
        ("HEIF", {"quality": 95, "thumbnails": [256]}),
    ],
)
@pytest.mark.parametrize(("size", "height"), [(80, 50), (81, 51), (1000, 400)])
def test_every_format_is_shown(shown, format_name, options, size, height):
    thumbnail = shown(scene(400, 640), size, format_name, **options)
    assert thumbnail.size == (min(size, 640), height)
    assert difference(thumbnail, scene(*thumbnail.size[::-1])) < 8


def test_raw_is_shown(shown):
    thumbnail = shown(make_dng(None, orientation=6), 80)
    assert thumbnail.size == (60, 80)
    bright = np.asarray(thumbnail)[8, -8]  # Red increases to the right, which is now downwards.
    assert bright[0] < 100 < np.asarray(thumbnail)[-8, 8][0]


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_exactly_once(shown, format_name, orientation):
    stored = Image.fromarray(scene(400, 640))
    if orientation in STORED:
        stored = stored.transpose(STORED[orientation])
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    thumbnail = shown(stored, 80, format_name, exif=tags.tobytes())
    assert thumbnail.size == (80, 50)
    assert difference(thumbnail, scene(50, 80)) < 10


def test_scaled_decoding_agrees_with_full_decoding(shown):
    noise = np.random.default_rng(0).integers(0, 60, (1500, 2000, 3), np.uint8)
    pixels = scene(1500, 2000) // 2 + noise
    full = Image.fromarray(pixels).resize((256, 192), Image.Resampling.BICUBIC)
    assert difference(shown(pixels, 256, "JPEG", quality=95), np.asarray(full)) < 3


@pytest.mark.parametrize(
    ("size", "thumbnail"),
    [((40, 30), (40, 30)), ((1, 1), (1, 1)), ((4000, 2), (100, 1)), ((2, 4000), (1, 100))],
)
@pytest.mark.parametrize("format_name", ["PNG", "JPEG"])
def test_unusual_sizes(shown, size, thumbnail, format_name):
    assert shown(Image.new("RGB", size, "red"), 100, format_name).size == thumbnail


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_white(shown, mode):
    picture = Image.fromarray(scene(64, 64)).convert(mode)
    picture.putalpha(Image.fromarray(np.tile(np.uint8([0, 255]).repeat(32), (64, 1))))
    pixels = np.asarray(shown(picture))
    assert (pixels[:, :24] > 250).all()
    opaque = Image.fromarray(scene(64, 64)).convert(mode).convert("RGB")
    assert np.abs(pixels[:, 40:].astype(int) - np.asarray(opaque)[:, 40:]).mean() < 8


def test_a_transparent_colour_of_a_palette_is_white(shown):
    picture = Image.new("P", (64, 64), 1)
    picture.putpalette([0, 0, 0, 200, 10, 10])
    picture.paste(0, (0, 0, 64, 32))
    pixels = np.asarray(shown(picture, format_name="GIF", transparency=0)).astype(int)
    assert (pixels[:24] > 250).all()
    assert np.abs(pixels[40:] - (200, 10, 10)).mean() < 6


GREY = np.array([[0, 64], [128, 255]], np.uint8).repeat(32, 0).repeat(32, 1)


@pytest.mark.parametrize(
    ("values", "format_name"),
    [
        (GREY, "JPEG"),
        (GREY.astype(np.uint16) * 257, "PNG"),
        (GREY.astype(np.uint16) * 257, "TIFF"),
        (GREY.astype(np.float32) / 255, "TIFF"),
        (GREY > 100, "PNG"),
    ],
)
def test_grey_of_every_depth(shown, values, format_name):
    expected = np.where(values, 255, 0) if values.dtype == bool else GREY
    assert difference(shown(values, format_name=format_name), expected[..., None]) < 3


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF"])
def test_cmyk_is_not_inverted(shown, format_name):
    picture = Image.fromarray(scene(64, 64)).convert("CMYK")
    assert difference(shown(picture, format_name=format_name), scene(64, 64)) < 14


def profile_with_red_for_blue() -> bytes:
    """Return sRGB's profile with red and blue swapped."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


@pytest.mark.parametrize(
    ("mode", "format_name"),
    [("RGB", "JPEG"), ("RGB", "PNG"), ("RGB", "TIFF"), ("RGBA", "PNG"), ("RGBA", "TIFF")],
)
def test_colours_are_converted_to_srgb(shown, mode, format_name):
    picture = Image.new(mode, (64, 64), "red")
    thumbnail = shown(picture, format_name=format_name, icc_profile=profile_with_red_for_blue())
    assert difference(thumbnail, np.array([0, 0, 255])) < 6
    assert "icc_profile" not in thumbnail.info


@pytest.mark.parametrize(
    "profile",
    [
        b"no profile",
        profile_with_red_for_blue()[:200],
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_colour_profile_that_does_not_fit_is_ignored(shown, profile, mode):
    picture = Image.new("RGB", (64, 64), "#808080").convert(mode)
    thumbnail = shown(picture, format_name="JPEG", icc_profile=profile)
    assert difference(thumbnail, np.array([128, 128, 128])) < 6


def test_thumbnails_have_no_metadata(shown):
    tags = Image.Exif()
    tags[272] = "Camera"
    tags.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    text = PngInfo()
    text.add_text("Comment", "secret")
    told = {"exif": tags, "comment": b"secret", "xmp": b"<secret/>", "dpi": (72, 72)}
    for thumbnail in (
        shown(scene(64, 64), format_name="JPEG", **told),
        shown(scene(64, 64), format_name="PNG", pnginfo=text, exif=tags),
        shown(scene(64, 64), format_name="GIF", comment=b"secret"),
        shown(scene(64, 64), format_name="WEBP", exif=tags, xmp=b"<secret/>"),
    ):
        assert set(thumbnail.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert thumbnail.info.get("jfif_density") in (None, (1, 1))


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_embedded_thumbnail_is_used_if_large_enough(shown, orientation):
    thumbnail = np.zeros((120, 160, 3), np.uint8)
    thumbnail[10:110] = scene(100, 160)
    photo = jpeg(np.full((400, 640, 3), 128, np.uint8), exif=exif(jpeg(thumbnail), orientation))
    small, large = shown(photo, 128), shown(photo, 256)
    expected = scene(80, 128) if orientation == 1 else np.rot90(scene(80, 128), -1)
    assert small.size == expected.shape[1::-1]
    assert difference(small, expected) < 8
    assert difference(large, np.array([128, 128, 128])) < 2


def test_errors_state_the_reason(shown, tmp_path):
    whole = jpeg(scene(400, 640))
    for data, reason in (
        (whole[:300], "truncated"),
        (b"Dear diary", "not a picture"),
        (b"", "empty"),
        (b"P5 60000 60000 255\n", "too large"),
    ):
        with pytest.raises(ImageError, match=reason):
            shown(data)
    with pytest.raises(ImageError, match="no such file"):
        make_thumbnail(str(tmp_path / "none"), 80)
    (tmp_path / "photo").write_bytes(whole)
    with pytest.raises(ImageError, match="limit 3,999"):
        make_thumbnail(str(tmp_path / "photo"), 80, Limits(pixels=3999))
    with pytest.raises(ImageError, match="limit 1,000"):
        make_thumbnail(str(tmp_path / "photo"), 80, Limits(bytes=1000))


TAGS = Image.Exif()
TAGS[ORIENTATION] = 6


def encoded(format_name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(scene(48, 64)).save(buffer, format_name, **options)
    return buffer.getvalue()


VALID = [
    encoded(name, exif=TAGS, icc_profile=profile_with_red_for_blue())
    for name in ("JPEG", "PNG", "WEBP", "TIFF")
]


@settings(max_examples=150, deadline=None)
@given(
    data=st.sampled_from(VALID),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
)
def test_mangled_bytes_give_a_thumbnail_or_a_reason(tmp_path_factory, data, changes):
    mangled = bytearray(data)
    for place, value in changes:
        mangled[int(place * len(mangled))] = value
    path = tmp_path_factory.getbasetemp() / "mangled.jpg"
    path.write_bytes(mangled)
    try:
        thumbnail = make_thumbnail(str(path), 16, Limits(pixels=100_000))
    except ImageError:
        return
    assert max(Image.open(io.BytesIO(thumbnail)).size) <= 16
