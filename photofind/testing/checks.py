"""The conformance checks of the extractor protocol, one function each.

Modelled on scikit-learn's ``utils.estimator_checks``: a check takes the extractor under test, and
raises if it does not conform. The docstring of a check is the requirement that is shown to users.
"""

from __future__ import annotations

import io
import socket
import tempfile
import time
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias
from unittest import mock

import numpy as np
import numpy.typing as npt

from photofind.errors import ExtractorError
from photofind.extractors.derived import DerivableExtraction
from photofind.extractors.loaded import LoadedExtractor, make_extractor
from photofind.extractors.protocol import Threaded
from photofind.extractors.registry import Plugin, load
from photofind.extractors.samples import PHOTOGRAPHS, blanks, photographs
from photofind.testing.observing import at_once, busiest_share, children
from photofind.testing.with_bases import WithBases, with_bases

__all__ = ["CHECKS", "CheckFailedError", "Figures", "Subject", "check_extractor", "measure"]

Vectors: TypeAlias = npt.NDArray[np.float32]

# For vectors of length 1. The order of summation depends on the batch and the number of threads.
_TOLERANCE = 2e-3
_SAME_DIRECTION = 0.99999
_COLOURFUL = [PHOTOGRAPHS.index(name) for name in ("astronaut", "chelsea", "coffee", "rocket")]
_ROUNDS = 10
_LEAK_SECONDS = 10.0
_LEAK_MEGABYTES = 40.0
_SPEED_SECONDS = 3.0
_ONE_THREAD = 0.97  # The share of the work from which one thread does all of it.
_MOST_BATCHES = 50
_MANY = 2048


class CheckFailedError(AssertionError):
    """An extractor does not conform to the protocol; the message says how."""


@dataclass(frozen=True)
class Figures:
    """The cost of an extractor.

    Parameters
    ----------
    load_seconds
        Time to create it and embed the first picture.
    pictures_per_second
        In batches of 16 that all differ, on one thread.
    megabytes
        Growth of the process since before it was loaded.
    dimension, bytes_per_photo
        The length of its embeddings, and the size of one on disk (float16).
    """

    load_seconds: float
    pictures_per_second: float
    megabytes: float
    dimension: int
    bytes_per_photo: int


class Subject:
    """An extractor under test.

    Parameters
    ----------
    extractor
        The name of an installed extractor, or a factory. The extractor of a factory cannot be
        tried in a worker.
    """

    def __init__(self, extractor: str | Callable[[], Any]) -> None:
        self._extractor = extractor
        self.children_before = children()  # Before the plugin is imported.

    @property
    def name(self) -> str | None:
        """The name of the installed extractor; None for a factory."""
        return self._extractor if isinstance(self._extractor, str) else None

    def make(self) -> LoadedExtractor:
        """Return a new instance, checked at every call; a derived one with its bases before it."""
        if isinstance(self._extractor, str):
            return with_bases(load(self._extractor))
        made = self._extractor()
        name = str(getattr(made, "name", "unnamed"))
        plugin = Plugin(name, "", "the one under test", "")
        return with_bases(make_extractor(plugin, lambda: made))

    @cached_property
    def instance(self) -> LoadedExtractor:
        """An instance shared by the checks."""
        return self.make()

    @property
    def pictures(self) -> npt.NDArray[np.uint8]:
        """Photographs, uint8 (8, height, width, 3); a new array each time."""
        return self._photographs.copy()

    @cached_property
    def vectors(self) -> Vectors:
        """Their embeddings, float32 (8, dimension), of length 1."""
        return self.instance.embed(self.pictures)

    @cached_property
    def _photographs(self) -> npt.NDArray[np.uint8]:
        return photographs(self.instance.input_size)


Check: TypeAlias = Callable[[Subject], None]


def check_extractor(extractor: str | Callable[[], Any]) -> None:
    """Run all checks on an extractor.

    Parameters
    ----------
    extractor
        As for :class:`Subject`.

    Raises
    ------
    CheckFailedError, ExtractorError
        From the first check that fails.
    """
    subject = Subject(extractor)
    for check in CHECKS:
        try:
            check(subject)
        except unittest.SkipTest:
            continue


def measure(subject: Subject) -> Figures:
    """Return the cost of an extractor; correct only in a process with nothing else loaded."""
    import psutil

    before = psutil.Process().memory_info().rss
    begin = time.perf_counter()
    extractor = subject.make()
    pictures = photographs(extractor.input_size)
    extractor.embed(pictures[:1])
    load_seconds = time.perf_counter() - begin
    batch = np.concatenate([pictures, pictures[:, :, ::-1]])
    extractor.embed(batch)
    count, passed = 0, 0.0
    while passed < _SPEED_SECONDS:
        # Other pictures each time, so that no result can be remembered.
        batch = np.roll(batch, 1, axis=2) ^ np.uint8(count % 2)
        begin = time.perf_counter()
        extractor.embed(batch)
        passed += time.perf_counter() - begin
        count += len(batch)
    return Figures(
        load_seconds=round(load_seconds, 2),
        pictures_per_second=round(count / passed, 1),
        megabytes=round((psutil.Process().memory_info().rss - before) / 1e6, 1),
        dimension=extractor.dimension,
        bytes_per_photo=2 * extractor.dimension,
    )


def check_declaration(subject: Subject) -> None:
    """Two instances have the same attributes, as the protocol requires."""
    first, second = subject.instance, subject.make()
    for attribute in (
        *("name", "version", "input_size", "dimension", "abilities"),
        *("batch_size", "device", "idle_seconds", "keeps_aspect"),
    ):
        value, other = getattr(first, attribute), getattr(second, attribute)
        _require(value == other, f"its {attribute} is first {value!r} and then {other!r}")


def check_batches(subject: Subject) -> None:
    """Batches of 1, 2, 3, 8 and batch_size pictures give as many finite float32 vectors."""
    shape = subject.pictures.shape[1:]
    for count in (1, 2, 3, 8, subject.instance.batch_size):
        vectors = subject.instance.embed(np.resize(subject.pictures, (count, *shape)))
        _require(vectors.shape[0] == count, f"{count} pictures gave {len(vectors)} vectors")


def check_any_picture(subject: Subject) -> None:
    """Black, white, grey, noise and a gradient give finite vectors."""
    for name, picture in blanks(subject.instance.input_size).items():
        with _about(f"of {name}"):
            subject.instance.embed(picture[np.newaxis])


def check_determinism(subject: Subject) -> None:
    """The same picture always gives the same vector, from other instances too."""
    _require_close(subject.instance.embed(subject.pictures), subject.vectors, "the second time")
    _require_close(subject.make().embed(subject.pictures), subject.vectors, "another instance")


def check_batch_invariance(subject: Subject) -> None:
    """A picture's vector does not depend on its batch or its position in the batch."""
    alone = np.concatenate([subject.instance.embed(p[np.newaxis]) for p in subject.pictures])
    _require_close(alone, subject.vectors, "alone and in a batch")
    backwards = subject.instance.embed(subject.pictures[::-1].copy())[::-1]
    _require_close(backwards, subject.vectors, "in another order")


def check_leaves_pictures(subject: Subject) -> None:
    """The pictures are not modified: they may be used again for tags or a feature map."""
    extractor = subject.make()  # One that has seen no picture yet.
    for method in (
        "embed",
        *(one for one in ("tags", "feature_map") if one in extractor.abilities),
    ):
        given = subject.pictures
        getattr(extractor, method)(given)
        _require(
            np.array_equal(given, subject.pictures), f"its method {method} wrote into the pictures"
        )


def check_gives_vectors_away(subject: Subject) -> None:
    """The returned vectors are not overwritten by the next call."""
    # Not as the loaded extractor gives them: that copies.
    first = _embed_raw(subject.instance, subject.pictures[:2])
    expected = first.copy()
    _embed_raw(subject.instance, subject.pictures[2:4])
    _require(np.array_equal(first, expected), "the second call overwrote the vectors of the first")


def check_tells_apart(subject: Subject) -> None:
    """Different photographs give different vectors."""
    vectors = subject.vectors[_COLOURFUL]
    cosines = vectors @ vectors.T - 2 * np.eye(len(vectors), dtype=np.float32)
    first, second = np.unravel_index(cosines.argmax(), cosines.shape)
    names = [PHOTOGRAPHS[place] for place in _COLOURFUL]
    _require(
        cosines.max() < _SAME_DIRECTION,
        f"{names[first]} and {names[second]} have the same vector",
    )


def check_recognises_copies(subject: Subject) -> None:
    """A photograph saved again as JPEG is nearest to the original."""
    from PIL import Image

    copies = []
    for picture in subject.pictures:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=75)
        copies.append(np.asarray(Image.open(file)))
    cosines = subject.instance.embed(np.stack(copies)) @ subject.vectors.T
    for place in _COLOURFUL:
        nearest = int(cosines[place].argmax())
        _require(
            nearest == place,
            f"a copy of {PHOTOGRAPHS[place]} is nearer to {PHOTOGRAPHS[nearest]}",
        )


def check_threads(subject: Subject) -> None:
    """It works outside the main thread, beside another instance, on the threads that are set."""
    first, second = subject.make(), subject.make()
    first.use_threads(2)
    forwards, backwards = at_once(
        lambda: first.embed(subject.pictures),
        lambda: second.embed(subject.pictures[::-1].copy()),
    )
    _require_close(forwards, subject.vectors, "in two threads at once")
    _require_close(backwards[::-1], subject.vectors, "in two threads at once")
    if not isinstance(raw := _raw(first), Threaded):
        return
    _require(raw.threads == 2, "it does not keep the number of threads that was set")
    batch = np.concatenate([subject.pictures, subject.pictures[:, :, ::-1]])
    places = iter(range(_MOST_BATCHES))
    share = busiest_share(lambda: first.embed(np.roll(batch, next(places), 2)), _MOST_BATCHES)
    _require(
        share is None or share < _ONE_THREAD,
        "it runs on one thread, though its threads were set to 2 before its first call",
    )


def check_leaves_no_process(subject: Subject) -> None:
    """Importing and making it, and embedding, leave no process running."""
    subject.instance.embed(subject.pictures[:2])
    left = [name for pid, name in children().items() if pid not in subject.children_before]
    if not left and subject.name is not None:
        # In a process in which nobody has imported it before.
        with DerivableExtraction(subject.name, threads=2) as extraction:
            extraction.info()
            left = [*children(extraction.pid).values()]
    _require(not left, f"it left {len(left)} processes running: {', '.join(left)}")


def check_stays_offline(subject: Subject) -> None:
    """Embedding does not use the network: nothing leaves the machine."""
    subject.instance.embed(subject.pictures[:1])

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise CheckFailedError("it tried to use the network while embedding")

    with (
        mock.patch.object(socket.socket, "connect", refuse),
        mock.patch.object(socket, "getaddrinfo", refuse),
    ):
        try:
            subject.instance.embed(subject.pictures[:1])
        except ExtractorError as error:
            if isinstance(error.__cause__, CheckFailedError):
                raise error.__cause__ from None
            raise


def check_errors(subject: Subject) -> None:
    """Pictures of another size raise an error or are embedded; afterwards it works as before."""
    height, width = subject.instance.input_size
    odd = np.zeros((1, height + 1, width + 3, 3), np.uint8)
    try:
        subject.instance.embed(odd)
    except ExtractorError as error:
        _require(
            isinstance(error.__cause__, Exception | None),
            "it ends the program for a picture of another size",
        )
    _require_close(subject.instance.embed(subject.pictures), subject.vectors, "after an error")


def check_memory(subject: Subject) -> None:
    """Memory does not grow with the number of pictures."""
    import psutil

    for _ in range(3):
        subject.instance.embed(subject.pictures)
    begin, before, rounds = time.monotonic(), psutil.Process().memory_info().rss, 0
    while rounds < _ROUNDS and time.monotonic() - begin < _LEAK_SECONDS:
        subject.instance.embed(subject.pictures)
        rounds += 1
    grown = (psutil.Process().memory_info().rss - before) / 1e6
    _require(grown < _LEAK_MEGABYTES, f"memory grew by {grown:.0f} MB for {8 * rounds} pictures")


def check_worker(subject: Subject) -> None:
    """It gives the same vectors in a worker process, as photofind uses it."""
    if subject.name is None:
        raise unittest.SkipTest("it is not installed, so a worker cannot find it")
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, picture in zip(PHOTOGRAPHS, subject.pictures, strict=True):
            paths.append(str(Path(folder, f"{name}.png")))
            Image.fromarray(picture).save(paths[-1])
        with DerivableExtraction(subject.name, threads=2) as extraction:
            info = extraction.info()
            results = extraction.extract(paths)
    local = subject.instance
    bases = local.bases if isinstance(local, WithBases) else []
    version = "+".join(one.version for one in (local, *bases))
    _require(
        (info.version, info.dimension) == (version, local.dimension),
        "its version or dimension is different in a worker",
    )
    for name, result, vector in zip(PHOTOGRAPHS, results, subject.vectors, strict=True):
        if result.vector is None:
            raise CheckFailedError(f"in a worker {name} failed: {result.failure}")
        _require_close(result.vector, vector, f"in a worker, of {name}")


def check_previews(subject: Subject) -> None:
    """Vectors of smaller pictures, if supported, are nearest to those of the full pictures."""
    size = subject.instance.preview_size
    if size == subject.instance.input_size:
        raise unittest.SkipTest("it has no preview_size")
    vectors = subject.instance.embed(photographs(size))
    nearest = (vectors @ subject.vectors.T).argmax(axis=1)
    _require(
        np.array_equal(nearest, np.arange(len(vectors))),
        "the vector of a smaller picture is nearest to that of another picture",
    )
    _require_close(subject.instance.embed(subject.pictures), subject.vectors, "after smaller ones")


def check_tags(subject: Subject) -> None:
    """Tags are words with confidences, highest first, and do not depend on the batch."""
    together = _able(subject, "tags").tags(subject.pictures)
    alone = subject.instance.tags(subject.pictures[:1])
    _require(
        [word for word, _ in together[0]] == [word for word, _ in alone[0]],
        "a picture has other tags in a batch than alone",
    )
    for name, picture in blanks(subject.instance.input_size).items():
        with _about(f"of {name}"):
            subject.instance.tags(picture[np.newaxis])


def check_describe(subject: Subject) -> None:
    """Embedding and tagging in one call give the vectors and the tags that two calls give."""
    extractor = _able(subject, "tags")
    if not callable(getattr(_raw(extractor), "describe", None)):
        raise unittest.SkipTest("it has no describe")
    vectors, tags = extractor.describe(subject.pictures)
    _require_close(vectors, subject.vectors, "from describe")
    for name, one, other in zip(
        PHOTOGRAPHS, tags or (), extractor.tags(subject.pictures), strict=True
    ):
        _require(
            [word for word, _ in one] == [word for word, _ in other],
            f"describe gives {name} other tags than tags does",
        )


def check_aspect(subject: Subject) -> None:
    """Pictures in their own proportions have vectors, whatever else is in the batch."""
    if not subject.instance.keeps_aspect:
        raise unittest.SkipTest("its pictures are squashed")
    sizes = [(300, 400), (400, 300), (1000, 1000), (30, 3000), (3000, 30), (1, 1), (9, 16), (7, 5)]
    together = subject.instance.embed(subject.pictures, sizes)
    for place, size in enumerate(sizes):
        alone = subject.instance.embed(subject.pictures[place : place + 1], [size])
        _require_close(alone, together[place : place + 1], f"alone, of a photo of {size}")


def check_text(subject: Subject) -> None:
    """Texts give finite vectors of the same length as pictures; different texts differ."""
    texts = ["a cat", "a cup of coffee on a table", "", "Ein Foto \N{SNOWFLAKE}"]
    extractor = _able(subject, "embed_text")
    vectors = extractor.embed_text(texts)
    _require_close(extractor.embed_text(texts[1:2]), vectors[1:2], "of a text alone")
    _require(float(vectors[0] @ vectors[1]) < _SAME_DIRECTION, "two texts have the same vector")


def check_feature_map(subject: Subject) -> None:
    """A feature map is finite float32 and depends on the picture, not on the batch."""
    maps = _able(subject, "feature_map").feature_map(subject.pictures[:2])
    _require(not np.array_equal(maps[0], maps[1]), "two pictures have the same feature map")
    alone = subject.instance.feature_map(subject.pictures[1:2])
    _require(alone.shape == (1, *maps.shape[1:]), "a picture alone has another shape of map")
    _require(
        np.allclose(alone[0], maps[1], rtol=_TOLERANCE, atol=_TOLERANCE * np.abs(maps).max()),
        "a picture has another feature map in a batch than alone",
    )


def check_derived(subject: Subject) -> None:
    """Stored embeddings, thousands at once and rounded to 16 bits, give nearly the same vectors.

    They are not modified.
    """
    instance = subject.instance
    if not isinstance(instance, WithBases):
        raise unittest.SkipTest("it derives from no other extractor")
    stored = [
        part.astype(np.float16).astype(np.float32) for part in instance.by_base(subject.pictures)
    ]
    given = [np.tile(part, (_MANY // len(part), 1)) for part in stored]
    vectors = instance.embed_embeddings(*given)
    untouched = (
        np.array_equal(part[: len(one)], one) for part, one in zip(given, stored, strict=True)
    )
    _require(all(untouched), "it wrote into the embeddings")
    expected = np.tile(subject.vectors, (_MANY // len(subject.vectors), 1))
    cosine = float((vectors * expected).sum(axis=1).min())
    _require(cosine >= 0.999, f"stored embeddings give another vector: the cosine is {cosine:.4f}")


CHECKS: tuple[Check, ...] = (
    check_declaration,
    check_batches,
    check_any_picture,
    check_determinism,
    check_batch_invariance,
    check_leaves_pictures,
    check_gives_vectors_away,
    check_tells_apart,
    check_recognises_copies,
    check_threads,
    check_leaves_no_process,
    check_stays_offline,
    check_errors,
    check_memory,
    check_worker,
    check_previews,
    check_tags,
    check_describe,
    check_aspect,
    check_text,
    check_feature_map,
    check_derived,
)
"""All checks; those for a missing ability raise ``unittest.SkipTest``."""


def _raw(extractor: LoadedExtractor) -> Any:
    return extractor._extractor


def _embed_raw(extractor: LoadedExtractor, pictures: npt.NDArray[np.uint8]) -> Any:
    if isinstance(extractor, WithBases):
        return _raw(extractor).embed_embeddings(*extractor.by_base(pictures))
    sizes = np.full((len(pictures), 2), extractor.input_size)
    more = (sizes,) if extractor.keeps_aspect else ()
    return _raw(extractor).embed(pictures, *more)


def _able(subject: Subject, ability: str) -> LoadedExtractor:
    if ability not in subject.instance.abilities:
        raise unittest.SkipTest(f"it has no {ability}")
    return subject.instance


def _require(condition: bool | np.bool, message: str) -> None:
    if not condition:
        raise CheckFailedError(message)


def _require_close(vectors: Vectors, expected: Vectors, when: str) -> None:
    difference = float(np.abs(vectors - expected).max())
    _require(
        difference <= _TOLERANCE, f"another vector {when}: the difference is up to {difference:.4f}"
    )


@contextmanager
def _about(what: str) -> Iterator[None]:
    try:
        yield
    except ExtractorError as error:
        raise ExtractorError(
            f"{error.message} ({what})", error.hint, error.details
        ) from error.__cause__
