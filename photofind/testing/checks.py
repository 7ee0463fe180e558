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
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from photofind.errors import ExtractorError
from photofind.extractors.derived import DerivableExtraction
from photofind.extractors.protocol import Threaded
from photofind.extractors.samples import PHOTOGRAPHS, blanks
from photofind.system.memory import trim_heap
from photofind.testing.ability_checks import ABILITY_CHECKS
from photofind.testing.observing import at_once, busiest_share, children
from photofind.testing.subject import (
    SAME_DIRECTION,
    Check,
    CheckFailedError,
    Subject,
    about,
    embed_raw,
    raw,
    require,
    require_close,
)
from photofind.testing.with_bases import WithBases

__all__ = ["CHECKS", "check_extractor"]

_COLOURFUL = [PHOTOGRAPHS.index(name) for name in ("astronaut", "chelsea", "coffee", "rocket")]
_ROUNDS = 10
_LEAK_SECONDS = 10.0
_LEAK_MEGABYTES = 40.0
_ONE_THREAD = 0.97  # The share of the work from which one thread does all of it.
_MOST_BATCHES = 50


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


def check_declaration(subject: Subject) -> None:
    """Two instances have the same attributes, as the protocol requires."""
    first, second = subject.instance, subject.make()
    for attribute in (
        *("name", "version", "input_size", "dimension", "abilities"),
        *("batch_size", "device", "idle_seconds", "keeps_aspect"),
    ):
        value, other = getattr(first, attribute), getattr(second, attribute)
        require(value == other, f"its {attribute} is first {value!r} and then {other!r}")


def check_batches(subject: Subject) -> None:
    """Batches of 1, 2, 3, 8 and batch_size pictures give as many finite float32 vectors."""
    shape = subject.pictures.shape[1:]
    for count in (1, 2, 3, 8, subject.instance.batch_size):
        vectors = subject.instance.embed(np.resize(subject.pictures, (count, *shape)))
        require(vectors.shape[0] == count, f"{count} pictures gave {len(vectors)} vectors")


def check_any_picture(subject: Subject) -> None:
    """Black, white, grey, noise and a gradient give finite vectors."""
    for name, picture in blanks(subject.instance.input_size).items():
        with about(f"of {name}"):
            subject.instance.embed(picture[np.newaxis])


def check_determinism(subject: Subject) -> None:
    """The same picture always gives the same vector, from other instances too."""
    require_close(subject.instance.embed(subject.pictures), subject.vectors, "the second time")
    require_close(subject.make().embed(subject.pictures), subject.vectors, "another instance")


def check_batch_invariance(subject: Subject) -> None:
    """A picture's vector does not depend on its batch or its position in the batch."""
    alone = np.concatenate([subject.instance.embed(p[np.newaxis]) for p in subject.pictures])
    require_close(alone, subject.vectors, "alone and in a batch")
    backwards = subject.instance.embed(subject.pictures[::-1].copy())[::-1]
    require_close(backwards, subject.vectors, "in another order")


def check_leaves_pictures(subject: Subject) -> None:
    """The pictures are not modified: they may be used again for tags or a feature map."""
    extractor = subject.make()  # One that has seen no picture yet.
    for method in (
        "embed",
        *(one for one in ("tags", "feature_map") if one in extractor.abilities),
    ):
        given = subject.pictures
        getattr(extractor, method)(given)
        require(
            np.array_equal(given, subject.pictures), f"its method {method} wrote into the pictures"
        )


def check_gives_vectors_away(subject: Subject) -> None:
    """The returned vectors are not overwritten by the next call."""
    # Not as the loaded extractor gives them: that copies.
    first = embed_raw(subject.instance, subject.pictures[:2])
    expected = first.copy()
    embed_raw(subject.instance, subject.pictures[2:4])
    require(np.array_equal(first, expected), "the second call overwrote the vectors of the first")


def check_tells_apart(subject: Subject) -> None:
    """Different photographs give different vectors."""
    vectors = subject.vectors[_COLOURFUL]
    cosines = vectors @ vectors.T - 2 * np.eye(len(vectors), dtype=np.float32)
    first, second = np.unravel_index(cosines.argmax(), cosines.shape)
    names = [PHOTOGRAPHS[place] for place in _COLOURFUL]
    require(
        cosines.max() < SAME_DIRECTION,
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
        require(
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
    require_close(forwards, subject.vectors, "in two threads at once")
    require_close(backwards[::-1], subject.vectors, "in two threads at once")
    if not isinstance(made := raw(first), Threaded):
        return
    require(made.threads == 2, "it does not keep the number of threads that was set")
    batch = np.concatenate([subject.pictures, subject.pictures[:, :, ::-1]])
    places = iter(range(_MOST_BATCHES))
    share = busiest_share(lambda: first.embed(np.roll(batch, next(places), 2)), _MOST_BATCHES)
    require(
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
    require(not left, f"it left {len(left)} processes running: {', '.join(left)}")


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
        require(
            isinstance(error.__cause__, Exception | None),
            "it ends the program for a picture of another size",
        )
    require_close(subject.instance.embed(subject.pictures), subject.vectors, "after an error")


def check_memory(subject: Subject) -> None:
    """Memory does not grow with the number of pictures."""
    import psutil

    for _ in range(3):
        subject.instance.embed(subject.pictures)
    trim_heap()  # What is kept from now on might take what was free.
    begin, before, rounds = time.monotonic(), psutil.Process().memory_info().rss, 0
    while rounds < _ROUNDS and time.monotonic() - begin < _LEAK_SECONDS:
        subject.instance.embed(subject.pictures)
        rounds += 1
    grown = (psutil.Process().memory_info().rss - before) / 1e6
    require(grown < _LEAK_MEGABYTES, f"memory grew by {grown:.0f} MB for {8 * rounds} pictures")


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
    require(
        (info.version, info.dimension) == (version, local.dimension),
        "its version or dimension is different in a worker",
    )
    for name, result, vector in zip(PHOTOGRAPHS, results, subject.vectors, strict=True):
        if result.vector is None:
            raise CheckFailedError(f"in a worker {name} failed: {result.failure}")
        require_close(result.vector, vector, f"in a worker, of {name}")


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
    *ABILITY_CHECKS,
)
"""All checks; those for a missing ability raise ``unittest.SkipTest``."""
