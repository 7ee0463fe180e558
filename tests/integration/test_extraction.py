"""Photos become vectors in a real worker, whatever the photos and the plugin do to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import skimage
from PIL import Image
from sample_photos import exif, jpeg
from waiting import patience

from photofind.errors import ExtractorError, ImageError
from photofind.extractors.code_files import stamp
from photofind.extractors.extracted import Extracted
from photofind.extractors.extraction import Extraction
from photofind.extractors.info import ExtractorInfo
from photofind.images.limits import Limits
from photofind.images.reading import PRELIMINARY, content_id
from photofind.model.records import Space
from photofind.search.embedding import CannotEmbed
from photofind.search.feature_maps import feature_maps
from photofind.workers import ONE_BLAS_THREAD

PLUGINS = Path(__file__).parents[1] / "extractor_plugins"
# What the extractor "mean-colour" does not survive.
CRASHES, HANGS, GIVES_NAN = "magenta", "cyan", "yellow"


@pytest.fixture(autouse=True)
def _plugins_are_installed(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS), prepend=os.pathsep)


@pytest.fixture
def photo(tmp_path):
    """Return a function that makes a photo of one colour and returns its path."""

    def make(name, colour, size=(60, 40), **options):
        path = tmp_path / name
        Image.new("RGB", size, colour).save(path, **options)
        return str(path)

    return make


@pytest.fixture
def with_thumbnail(tmp_path):
    """Return a function that makes a grey photo whose thumbnail has another colour."""

    def make(name, colour):
        thumbnail = Image.new("RGB", (160, 120), colour)
        thumbnail.paste("black", (0, 0, 8, 8))  # Thumbnails without any contrast are not used.
        path = tmp_path / name
        photo = Image.new("RGB", (640, 480), "grey")
        path.write_bytes(jpeg(photo, exif=exif(jpeg(thumbnail, subsampling=0))))
        return str(path)

    return make


@pytest.fixture
def extraction():
    with Extraction("mean-colour", threads=2) as extraction:
        yield extraction


def describes(extracted: Extracted, colour, exactness=1e-6) -> bool:
    """Whether the vector is that of a photo of one colour."""
    expected = np.array(colour) / np.linalg.norm(colour, axis=-1, keepdims=True)
    return extracted.vector is not None and np.allclose(extracted.vector, expected, atol=exactness)


def test_the_extractor_is_described(extraction):
    described = extraction.info()
    code = PLUGINS / "plugins_for_tests.py"
    assert described == ExtractorInfo(
        "mean-colour",
        "1",
        3,
        (4, 6),
        "plugins-for-tests",
        f"plugins-for-tests 1.0 {stamp([code])}",
        code=(str(code),),
    )


def test_blas_has_one_thread_beside_those_that_read_photos(extraction):
    extraction.info()
    environment = psutil.Process(extraction.pid).environ()
    one = {name: environment[name] for name in ONE_BLAS_THREAD}
    code = "import json, numpy, threadpoolctl; print(json.dumps(threadpoolctl.threadpool_info()))"
    told = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | one, capture_output=True, check=True
    ).stdout
    assert {pool["num_threads"] for pool in json.loads(told) if pool["user_api"] == "blas"} <= {1}


def test_results_come_in_the_order_of_the_photos(extraction, photo):
    # More than are embedded at once, and more than are read ahead.
    colours = [(250 - i, 1 + i, 7) for i in range(150)]
    paths = [photo(f"{i}.png", colour) for i, colour in enumerate(colours)]
    results = extraction.extract(paths)
    assert [result.path for result in results] == paths
    assert all(describes(r, colour) for r, colour in zip(results, colours, strict=True))
    assert all(result.failure is None for result in results)


def test_a_photo_comes_with_what_is_known_of_it(extraction, photo, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # Stored on its side.
    exif[0x0110] = "Camera"
    exif.get_ifd(0x8769)[0x9003] = "2021:05:03 10:11:12"
    path = photo("photo.jpg", "red", exif=exif)
    (tmp_path / "photo.jpg.xmp").write_text(
        """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
        xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
        xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>sea</rdf:li>
        <rdf:li>sand</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""
    )
    (result,) = extraction.extract([path])
    assert result.content == content_id(Path(path).read_bytes())
    assert (result.width, result.height, result.format) == (40, 60, "JPEG")
    assert result.captured == "2021-05-03T10:11:12"
    assert result.camera == "Camera"
    assert result.keywords == ("sea", "sand")


def test_a_photo_comes_with_the_tags_of_an_extractor_that_has_them(photo, extraction):
    paths = [photo("red.png", "red"), photo("blue.png", "blue")]
    with Extraction("able") as able:
        first, second = able.extract(paths)
        assert able.info().abilities == ("tags", "embed_text", "feature_map")
    assert (first.tags, second.tags) == ((("red", 1.0),), ())
    assert [one.tags for one in extraction.extract(paths)] == [(), ()]


def test_a_photo_is_embedded_and_tagged_in_one_call_in_the_batches_that_are_wanted(photo):
    paths = [photo(f"{i}.png", (200, i, 7)) for i in range(10)]
    with Extraction("describing", idle_seconds=1) as describing:
        extracted = describing.extract(paths)
        described = describing.info()
        assert describing._worker.idle_seconds == 900
    assert all(describes(one, (200, i, 7)) for i, one in enumerate(extracted))
    assert {one.tags[0][0] for one in extracted} == {"one red dog"}
    assert described.device == "gpu"


def test_feature_maps_come_in_the_order_of_the_photos(photo, extraction, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    paths = [photo("red.png", "red"), str(broken), photo("blue.png", "blue")]
    with Extraction("able") as able:
        red, failed, blue = able.extract_feature_maps(paths)
    assert red.vector.shape == (4, 6, 3)
    np.testing.assert_array_equal(red.vector[0, 0], (256, 1, 1))
    np.testing.assert_array_equal(blue.vector[-1, -1], (1, 1, 256))
    assert failed.vector is None
    assert failed.failure
    with pytest.raises(ExtractorError, match="'mean-colour' has no feature maps"):
        extraction.extract_feature_maps(paths)


def test_a_similarity_is_the_sum_over_the_parts_of_two_feature_maps():
    data = Path(skimage.__file__).parent / "data"
    paths = [str(data / "chelsea.png"), str(data / "astronaut.png")]
    space = Space("mobilenet", "1", 1280)
    with Extraction("mobilenet") as mobilenet:
        first, second = (one.vector for one in mobilenet.extract(paths))
        maps = feature_maps(space, paths, lambda name: mobilenet)
        with pytest.raises(CannotEmbed):
            feature_maps(replace(space, version="0"), paths, lambda name: mobilenet)
        with pytest.raises(ImageError, match="cannot be explained"):
            feature_maps(space, [*paths, str(data)], lambda name: mobilenet)
    assert [one.shape for one in maps] == [(7, 7, 1280)] * 2
    parts = [one.reshape(49, 1280) for one in maps]
    lengths = [np.linalg.norm(one.mean(axis=0)) for one in parts]
    shares = parts[0] @ parts[1].T / np.prod(lengths) / 49**2
    assert shares.sum() == pytest.approx(float(first @ second), abs=1e-5)


def test_texts_are_embedded_in_the_worker(extraction):
    with Extraction("colour-words") as words:
        vectors = words.embed_text(["a red thing", "Blue"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    assert vectors[0, 0] > 0.5
    assert vectors[1, 2] > 0.5
    with pytest.raises(ExtractorError, match="'mean-colour' does not embed texts"):
        extraction.embed_text(["red"])


def test_a_known_content_is_read_but_not_embedded(extraction, photo):
    old, new = photo("old.png", "red"), photo("new.png", "blue")
    known = content_id(Path(old).read_bytes())
    first, second = extraction.extract([old, new], known={known})
    assert (first.content, first.vector, first.failure) == (known, None, None)
    assert describes(second, (0, 0, 255))


def test_no_photo_at_all_is_no_error(extraction):
    assert extraction.extract([]) == []


def test_photos_that_cannot_be_read_cost_the_others_nothing(photo, tmp_path):
    (tmp_path / "text.jpg").write_text("not a photo")
    good, wide = photo("good.png", "lime"), photo("wide.png", "red", size=(200, 100))
    data = Path(photo("whole.jpg", "red", size=(150, 120))).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[:300])
    limits = Limits(pixels=19_999, bytes=2**20)
    with Extraction("mean-colour", limits=limits) as extraction:
        paths = [*(str(tmp_path / n) for n in ("text.jpg", "cut.jpg", "none.jpg")), wide, good]
        text, cut, none, large, last = extraction.extract(paths)
    assert "not a picture" in text.failure
    assert text.content == content_id(b"not a photo")
    assert "truncated" in cut.failure
    assert "no such file" in none.failure
    assert none.content == ""
    assert "limit 19,999" in large.failure
    assert describes(last, (0, 255, 0))


def test_a_name_that_is_not_text_is_read(extraction, photo):
    path = photo("plain.png", "red")
    try:
        odd = str(Path(path).rename(Path(path).with_name("caf\udce9.png")))
    except (OSError, UnicodeError):  # macOS and Windows have no such names.
        odd = path
    (result,) = extraction.extract([odd])
    assert result.path == odd
    assert describes(result, (255, 0, 0))


def test_photos_that_crash_the_worker_are_found(extraction, photo):
    paths = [photo(f"{i}.png", CRASHES if i in (3, 11) else "red") for i in range(20)]
    results = extraction.extract(paths)
    for place, result in enumerate(results):
        if place in (3, 11):
            assert result.failure.startswith("crashed the extractor: ")
        else:
            assert describes(result, (255, 0, 0)), result


def test_a_photo_that_hangs_the_worker_is_found(photo):
    paths = [photo(f"{i}.png", HANGS if i == 1 else "red") for i in range(4)]
    seconds = round(patience(2.0))
    with Extraction("mean-colour", seconds=seconds, low_priority=False) as extraction:
        results = extraction.extract(paths)
    assert results[1].failure == f"took longer than {seconds} s to read"
    assert all(describes(result, (255, 0, 0)) for result in (results[0], *results[2:]))


def test_previews_describe_thumbnails_alone(extraction, photo, with_thumbnail, tmp_path):
    paths = [
        with_thumbnail("red.jpg", "red"),
        photo("no-thumbnail.jpg", "red"),
        photo("no-thumbnail.png", "red"),
        str(tmp_path / "missing.jpg"),
        with_thumbnail("blue.jpg", "blue"),
    ]
    (tmp_path / "text.jpg").write_text("not a photo")
    red, *others, text, blue = extraction.extract_previews(
        [*paths[:-1], str(tmp_path / "text.jpg"), paths[-1]]
    )
    assert describes(red, (255, 0, 0), exactness=0.02)
    assert describes(blue, (0, 0, 255), exactness=0.02)
    assert [*others, text] == [None] * 4
    assert (red.path, red.failure) == (paths[0], None)
    assert (red.width, red.height, red.format) == (640, 480, "JPEG")
    assert red.camera == "Camera"
    assert red.content.startswith(PRELIMINARY)
    assert red.content != blue.content
    (full,) = extraction.extract([paths[0]])
    assert describes(full, (1, 1, 1), exactness=0.02)
    assert full.content == content_id(Path(paths[0]).read_bytes())


def test_views_of_a_photo_are_embedded(extraction, tmp_path):
    halves = Image.new("RGB", (200, 100), "red")
    halves.paste("blue", (100, 0, 200, 100))
    path = tmp_path / "halves.png"
    halves.save(path)
    part = extraction.extract_views(str(path), box=(0.5, 0, 0.5, 1))
    assert describes(part, [(0, 0, 255)], exactness=0.03)
    assert (part.content, part.width) == (content_id(path.read_bytes()), 200)
    turned = extraction.extract_views(str(path), turned=True)
    assert describes(turned, [(1, 0, 1)] * 8, exactness=0.02)


def test_a_photo_whose_views_cannot_be_embedded_says_why(extraction, photo, tmp_path):
    (tmp_path / "text.jpg").write_text("not a photo")
    failed = extraction.extract_views(str(tmp_path / "text.jpg"), turned=True)
    assert failed.vector is None
    assert "not a picture" in failed.failure
    crashed = extraction.extract_views(photo("bad.png", CRASHES), turned=True)
    assert crashed.refused
    assert extraction.extract_views(photo("good.png", "red")).failure is None


def test_previews_have_what_sidecars_say(extraction, with_thumbnail, tmp_path):
    path = with_thumbnail("red.jpg", "red")
    (tmp_path / "red.jpg.xmp").write_text(
        """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
        xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
        xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>sea</rdf:li>
        </rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""
    )
    (result,) = extraction.extract_previews([path])
    assert result.keywords == ("sea",)


def test_previews_that_crash_or_hang_the_worker_cost_the_others_nothing(with_thumbnail):
    colours = ["red"] * 20
    colours[3], colours[11] = CRASHES, HANGS
    paths = [with_thumbnail(f"{i}.jpg", colour) for i, colour in enumerate(colours)]
    with Extraction("mean-colour", seconds=patience(2.0), low_priority=False) as extraction:
        results = extraction.extract_previews(paths)
    for place, result in enumerate(results):
        if place in (3, 11):
            assert result is None
        else:
            assert describes(result, (255, 0, 0), exactness=0.02), place


def test_an_extractor_that_does_not_work_fails_at_previews_too(with_thumbnail):
    with Extraction("raising") as extraction, pytest.raises(ExtractorError, match="no network"):
        extraction.extract_previews([with_thumbnail("red.jpg", "red")])


def test_a_vector_that_is_not_finite_is_the_extractors_fault(extraction, photo):
    with pytest.raises(
        ExtractorError, match=r"'mean-colour' of plugins-for-tests 1.0 .* non-finite"
    ):
        extraction.extract([photo("odd.png", GIVES_NAN)])
    (result,) = extraction.extract([photo("fine.png", "red")])
    assert describes(result, (255, 0, 0))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("exiting", "SystemExit: this plugin wants another machine"),
        ("missing", "ModuleNotFoundError"),
        ("raising", "ValueError: no network for this"),
        ("wrong-shape", "vectors of shape"),
        ("crashing", "did not start"),
        ("unheard-of", "there is no extractor"),
    ],
)
def test_an_extractor_that_does_not_work_blames_no_photo(name, reason, photo):
    with Extraction(name) as extraction:
        with pytest.raises(ExtractorError, match=reason):
            extraction.extract([photo("good.png", "red")])
        with pytest.raises(ExtractorError, match=reason):
            extraction.info()


def test_an_extractor_that_never_loads_is_given_up():
    with Extraction("hanging", start_seconds=5) as extraction:  # noqa: SIM117
        with pytest.raises(ExtractorError, match=r"'hanging' .* longer than 5 s to load"):
            extraction.info()


def test_an_extractor_that_leaks_is_started_anew_and_given_up_if_that_does_not_help(photo):
    paths = [photo(f"{i}.png", (i, 1, 7)) for i in range(160)]
    with Extraction("leaking", megabytes=250) as extraction:
        (result,) = extraction.extract(paths[:1])  # A photo alone leaks nothing.
        assert describes(result, (0, 1, 7))
        for _ in range(2):
            assert all(one.vector is not None for one in extraction.extract(paths))
        with pytest.raises(ExtractorError) as caught:
            extraction.extract(paths)
    assert "'leaking' cannot be used: it used more than 250 MB" in caught.value.message
    assert "3 times in a row" in caught.value.message
    assert "worker_megabytes" in caught.value.hint


def test_mobilenet_recognises_photographs(tmp_path):
    folder = Path(skimage.__file__).parent / "data"
    cat, coffee = str(folder / "chelsea.png"), str(folder / "coffee.png")
    copy = str(shutil.copy(cat, tmp_path / "copy.png"))
    smaller = str(tmp_path / "smaller.jpg")
    Image.open(cat).reduce(2).save(smaller, quality=50)
    with Extraction("mobilenet") as extraction:
        results = extraction.extract([cat, copy, smaller, coffee])
    vectors = np.stack([result.vector for result in results])
    assert vectors.shape == (4, 1280)
    same, alike, other = (vectors @ vectors[0])[1:]
    assert same == pytest.approx(1, abs=1e-5)
    assert alike > 0.8 > 0.4 > other


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Return a function that makes a photo of 16 megapixels with so many scans."""
    data = jpeg(np.full((4000, 4000, 3), 90, np.uint8), progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]

    def make(count):
        path = tmp_path_factory.mktemp("scans") / "slow.jpg"
        path.write_bytes(data[:-2] + last * count + data[-2:])
        return str(path)

    return make


def test_a_photo_that_takes_too_long_costs_the_others_nothing(photo, scans):
    paths = [photo("a.png", "red"), scans(480), photo("b.png", "blue")]
    limits = Limits(seconds=1.0)
    with Extraction("mean-colour", threads=2, limits=limits, low_priority=False) as extraction:
        first, found, second = extraction.extract(paths)
    assert describes(first, (1, 0, 0))
    assert describes(second, (0, 0, 1))
    assert found.failure == "took more than 1 s of processor time to read"
    assert not found.refused
    assert not found.passing


def test_a_photo_that_takes_long_is_put_off_for_the_sake_of_others(photo, scans):
    paths = [photo("a.png", "red"), scans(100), photo("b.png", "blue")]
    limits = Limits(seconds=1.0)
    with Extraction("mean-colour", threads=2, limits=limits, low_priority=False) as extraction:
        first, found, second = extraction.extract(paths, in_company=True)
    assert describes(first, (1, 0, 0))
    assert describes(second, (0, 0, 1))
    assert found.put_off
    assert found.failure is None


def test_a_photo_whose_header_tells_that_it_takes_long_is_put_off_at_once(photo, scans):
    paths = [photo("a.png", "red"), scans(480), photo("b.png", "blue")]
    with Extraction("mean-colour", threads=2) as extraction:
        extraction.info()
        pid = extraction.pid
        first, found, second = extraction.extract(paths, in_company=True)
        assert extraction.pid == pid  # The worker did not have to end for it.
        (alone,) = extraction.extract([paths[1]])
    assert describes(first, (1, 0, 0))
    assert describes(second, (0, 0, 1))
    assert found.put_off
    assert found.failure is None
    assert (alone.put_off, alone.failure, alone.width) == (False, None, 4000)
