"""The conformance checks accept a good extractor, and find the fault of a bad one."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import unittest
from contextlib import suppress

import numpy as np
import pytest

from photofind.errors import ExtractorError
from photofind.extractors.samples import CAPTIONED
from photofind.testing import (
    CHECKS,
    CheckFailedError,
    ExtractorChecks,
    Subject,
    ability_checks,
    check_extractor,
    checks,
    measuring,
)
from photofind.testing.equal_failures import EqualFailures


class Grid:
    """Mean colours of a grid: an extractor that passes all checks."""

    name = "grid"
    version = "1"
    protocol = 1
    input_size = (32, 48)
    preview_size = (16, 24)
    dimension = 4 * 6 * 3

    def embed(self, images):
        side = images.shape[1] // 4
        cells = images.reshape(len(images), 4, side, 6, side, 3).mean(axis=(2, 4))
        return cells.reshape(len(images), -1).astype(np.float32) / 255

    def tags(self, images):
        return [[("bright", float(mean) / 255)] for mean in images.mean(axis=(1, 2, 3))]

    def feature_map(self, images):
        cells = images.reshape(len(images), 4, 8, 6, 8, 3).mean(axis=(2, 4))
        return cells.astype(np.float32)


class Proportioned(Grid):
    """The same of pictures in their own proportions, in small batches, with tags at once."""

    protocol = 2
    aspect = "native"
    batch_size = 3
    device = "cpu"
    dimension = Grid.dimension + 1

    def embed(self, images, sizes):
        shapes = np.log(sizes[:, :1] / sizes[:, 1:]) / 100
        return np.concatenate([super().embed(images), shapes.astype(np.float32)], axis=1)

    def tags(self, images, sizes):
        return super().tags(images)

    def feature_map(self, images, sizes):
        return super().feature_map(images)

    def describe(self, images, sizes):
        return self.embed(images, sizes), self.tags(images, sizes)


class TestGrid(ExtractorChecks):
    extractor = Grid


class TestProportioned(ExtractorChecks):
    extractor = Proportioned


class TestMobileNet(ExtractorChecks):
    extractor = "mobilenet"


def test_one_call_runs_all_checks():
    check_extractor(Grid)
    with pytest.raises(CheckFailedError):
        check_extractor(LikesItsNeighbours)


class LikesItsNeighbours(Grid):
    def embed(self, images):
        return super().embed(images) - super().embed(images).mean(axis=0) + 0.1


class CountsItsCalls(Grid):
    calls = 0

    def embed(self, images):
        self.calls += 1
        return super().embed(images) + np.float32(self.calls) ** 2


class OneForAllThumbnails(Grid):
    def embed(self, images):
        vectors = super().embed(images)
        return vectors if images.shape[1:3] == self.input_size else np.ones_like(vectors)


class KeepsItsResult(Grid):
    def __init__(self):
        self.result = np.zeros((64, self.dimension), np.float32)

    def embed(self, images):
        self.result[: len(images)] = super().embed(images)
        return self.result[: len(images)]


class WritesIntoPictures(Grid):
    def embed(self, images):
        images[:] = images // 2 + 50
        return super().embed(images)


class Colourless(Grid):
    def embed(self, images):
        return np.ones((len(images), self.dimension), np.float32)


class Moody(Grid):
    """Depends only on the last bit of pixels, which copies do not keep."""

    def embed(self, images):
        return super().embed(images % 2 * 255) - 0.5


class LikesTheMainThread(Grid):
    def embed(self, images):
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("signal only works in main thread")
        return super().embed(images)


class OneForTwo(Grid):
    """Two instances share a buffer, which is right as long as they take turns."""

    buffer = np.zeros((8, Grid.dimension), np.float32)
    both = threading.Barrier(2)

    def embed(self, images):
        vectors = super().embed(images)
        if threading.current_thread() is threading.main_thread():
            return vectors
        self.both.wait()
        self.buffer[: len(images)] = vectors
        self.both.wait()
        return self.buffer[: len(images)].copy()


class ForgetsItsThreads(Grid):
    threads = 1

    def embed(self, images):
        until = time.thread_time() + 0.05
        while time.thread_time() < until:  # Work for one thread.
            pass
        return super().embed(images)


class WritesIntoThemOnce(Grid):
    fresh = True

    def embed(self, images):
        if self.fresh:
            images[:] = images[..., ::-1]
        self.fresh = False
        return super().embed(images)


class WritesWhenTagging(Grid):
    def tags(self, images):
        images[0] = 0
        return super().tags(images)


class StartsOneWhenImported(Grid):
    """Stands for its module too: what it starts is there before the first picture."""

    def __init__(self):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(15)"])


class StartsProcesses(Grid):
    def embed(self, images):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(15)"])
        return super().embed(images)


class CallsHome(Grid):
    def embed(self, images):
        with socket.socket() as one:
            one.settimeout(0.2)
            with suppress(OSError):
                one.connect(("127.0.0.1", 9))
        return super().embed(images)


class GivesUp(Grid):
    failed = False

    def embed(self, images):
        if images.shape[1:3] != self.input_size:
            self.failed = True
        if self.failed:
            raise ValueError("no more")
        return super().embed(images)


class Leaks(Grid):
    kept: list = []  # noqa: RUF012

    def embed(self, images):
        self.kept.append(np.ones(10_000_000, np.uint8))
        return super().embed(images)


class DividesByZero(Grid):
    def embed(self, images):
        with np.errstate(all="ignore"):
            deviation = images.std(axis=(1, 2, 3)).astype(np.float32)
            return super().embed(images) / deviation[:, np.newaxis]


class WordsOfTheBatch(Grid):
    def tags(self, images):
        return [[(f"one of {len(images)}", 1.0)]] * len(images)


class OneText(Grid):
    def embed_text(self, texts):
        return np.ones((len(texts), self.dimension), np.float32)


class Reads(Grid):
    """Knows what the colours are called; passes the check of that."""

    colours = tuple(zip(CAPTIONED, CAPTIONED.values(), strict=True))

    def embed(self, images):
        return super().embed(images) - 0.5

    def embed_text(self, texts):
        colours = np.array([dict(self.colours)[text] for text in texts], np.float32)
        return np.tile(colours / 255 - 0.5, 24)


class ShufflesTexts(Reads):
    colours = tuple(zip(CAPTIONED, np.roll([*CAPTIONED.values()], 1, axis=0), strict=True))


class OneMap(Grid):
    def feature_map(self, images):
        return np.ones((len(images), 4, 6, 3), np.float32)


class Halved:
    """Every other number of MobileNet's embeddings: a derived extractor that passes all checks."""

    name = "halved"
    version = "1"
    protocol = 1
    dimension = 640
    derives_from = "mobilenet"

    def embed_embeddings(self, embeddings):
        return embeddings[:, ::2].copy()


class TestHalved(ExtractorChecks):
    extractor = Halved


class CountsItsBatch(Halved):
    def embed_embeddings(self, embeddings):
        return super().embed_embeddings(embeddings) + np.float32(len(embeddings) > 100)


class WritesIntoEmbeddings(Halved):
    def embed_embeddings(self, embeddings):
        embeddings[:] = np.abs(embeddings)
        embeddings[0] = 1
        return super().embed_embeddings(embeddings)


class OtherTagsAtOnce(Grid):
    def describe(self, images):
        return self.embed(images), [[("dark", 1.0)]] * len(images)


class OtherVectorsAtOnce(Grid):
    def describe(self, images):
        return self.embed(images)[:, ::-1], self.tags(images)


class MapOfTheBatch(Grid):
    def feature_map(self, images):
        return super().feature_map(images) * len(images)


class ProportionsOfTheBatch(Proportioned):
    def embed(self, images, sizes):
        return super().embed(images, sizes[:1].repeat(len(sizes), axis=0) * [1, len(sizes) ** 9])


class Undecided(Grid):
    made = 0

    def __init__(self):
        Undecided.made += 1
        self.version = str(self.made)


class Short(Grid):
    def embed(self, images):
        return super().embed(images)[:2]


@pytest.mark.parametrize(
    ("check", "kind"),
    [
        (checks.check_declaration, Undecided),
        (checks.check_batches, Short),
        (checks.check_any_picture, DividesByZero),
        (checks.check_determinism, CountsItsCalls),
        (checks.check_batch_invariance, LikesItsNeighbours),
        (checks.check_leaves_pictures, WritesIntoPictures),
        (checks.check_gives_vectors_away, KeepsItsResult),
        (checks.check_tells_apart, Colourless),
        (checks.check_recognises_copies, Moody),
        (checks.check_threads, LikesTheMainThread),
        (checks.check_threads, OneForTwo),
        (checks.check_threads, ForgetsItsThreads),
        (checks.check_leaves_pictures, WritesIntoThemOnce),
        (checks.check_leaves_pictures, WritesWhenTagging),
        (checks.check_leaves_no_process, StartsProcesses),
        (checks.check_leaves_no_process, StartsOneWhenImported),
        (checks.check_stays_offline, CallsHome),
        (checks.check_errors, GivesUp),
        (checks.check_memory, Leaks),
        (ability_checks.check_previews, OneForAllThumbnails),
        (ability_checks.check_tags, WordsOfTheBatch),
        (ability_checks.check_describe, OtherTagsAtOnce),
        (ability_checks.check_describe, OtherVectorsAtOnce),
        (ability_checks.check_aspect, ProportionsOfTheBatch),
        (ability_checks.check_text, OneText),
        (ability_checks.check_text_fits, ShufflesTexts),
        (ability_checks.check_feature_map, OneMap),
        (ability_checks.check_derived, CountsItsBatch),
        (ability_checks.check_derived, WritesIntoEmbeddings),
        (ability_checks.check_feature_map, MapOfTheBatch),
    ],
    ids=lambda value: value.__name__,
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_fault_is_found(check, kind):
    with pytest.raises((CheckFailedError, ExtractorError)):
        check(Subject(kind))


def test_texts_are_nearest_to_their_own_pictures():
    ability_checks.check_text_fits(Subject(Reads))
    with pytest.raises(CheckFailedError, match=r"'a \w+ circle' is nearest to 'a \w+ circle'"):
        ability_checks.check_text_fits(Subject(ShufflesTexts))


def test_what_is_not_installed_is_not_tried_in_a_worker():
    with pytest.raises(unittest.SkipTest):
        checks.check_worker(Subject(Grid))
    assert len(CHECKS) == len({check.__doc__ for check in CHECKS})


def test_no_check_uses_what_another_has_changed():
    subject = Subject(Grid)
    subject.pictures[:] = 0
    assert subject.pictures.any()


def test_after_two_equal_failures_no_other_check_is_run():
    failures = EqualFailures()
    failures.add("batches", ExtractorError("it failed (of black)"))
    failures.add("batches", ExtractorError("it failed (of white)"))
    failures.add("memory", ExtractorError("it has no memory"))
    failures.skip_the_rest()
    failures.add("threads", ExtractorError("it failed"))
    with pytest.raises(unittest.SkipTest, match="batches and threads fail in the same way"):
        failures.skip_the_rest()


def test_the_speed_is_that_of_pictures_that_differ(monkeypatch):
    class Remembers(Grid):
        seen: set = set()  # noqa: RUF012

        def embed(self, images):
            assert images.tobytes() not in self.seen
            self.seen.add(images.tobytes())
            return super().embed(images)

    monkeypatch.setattr(measuring, "_SPEED_SECONDS", 0.01)
    measuring.measure(Subject(Remembers))


def test_the_cost_is_measured(monkeypatch):
    monkeypatch.setattr(measuring, "_SPEED_SECONDS", 0.1)
    figures = measuring.measure(Subject(Grid))
    assert figures.pictures_per_second > 1
    assert (figures.dimension, figures.bytes_per_photo) == (72, 144)
