"""Checks of several openings of one library, at a time and one after the other."""

from __future__ import annotations

import threading
import unittest
from dataclasses import replace

from photofind.errors import PhotofindError
from photofind.library.store import TellsChanges
from photofind.model.judgements import TagJudgement
from photofind.model.records import Folder, Photo
from photofind.testing.stores.subject import (
    DIMENSION,
    SPACE,
    StoreCheck,
    StoreSubject,
    embedding,
    put,
    refused,
    require,
    require_equal,
)

__all__ = ["SHARING_CHECKS"]

_TOGETHER = 5


def check_version(subject: StoreSubject) -> None:
    """The version differs after every commit, and stays where nothing is committed."""
    with subject.writing() as store:
        seen = [store.version]

        def require_another(what: str) -> None:
            require(store.version not in seen, f"the version stayed after {what}")
            seen.append(store.version)

        (photo,) = put(store, "a.jpg")
        require_another("a commit")
        store.commit([replace(photo, size=7)])
        require_another("a change")
        store.put_folder(Folder("/photos", 1.0))
        require_another("a folder")
        store.open_space("other", "1", DIMENSION)
        require_another("a space")
        store.commit([refused(photo, other="it crashed")])
        require_another("a refusal")
        store.clear_refusals()
        require_another("clearing refusals")
        store.remove([photo])
        require_another("a removal")
        [*store.select()], store.counts(), store.spaces(), store.refresh()
        require_equal(store.version, seen[-1], "the version after reading")


def check_changes(subject: StoreSubject) -> None:
    """An engine that tells which photos changed leaves none out."""
    with subject.writing() as store:
        if not isinstance(store, TellsChanges):
            raise unittest.SkipTest("it does not tell which photos changed")
        version = store.changes().version
        require_equal(store.changes("of no library").photos, None, "what changed since nothing")

        def require_told(what: str, *photos: Photo) -> None:
            nonlocal version
            changes = store.changes(version)
            require(changes.version != version, f"the version stayed after {what}")
            told = changes.photos
            require(
                told is None or {photo.id for photo in photos} <= {*told},
                f"photos are not told of after {what}",
            )
            version = changes.version

        one, two = put(store, "a.jpg", "b.jpg")
        require_told("a commit", one, two)
        store.commit([replace(two, size=7)])
        require_told("a change", two)
        store.remove([one])
        require_told("a removal", one)
        said = TagJudgement(two.content, "dog", True, 1.0)
        store.judge_tags([said])
        require_told("what was said of a tag", two)
        store.forget_tag_judgements([said])
        require_told("taking that back", two)
        require(not store.changes(version).photos, "photos are told of that did not change")


def check_refresh(subject: StoreSubject) -> None:
    """A reader sees what was there when it was opened, and the rest once it refreshes."""
    with subject.writing() as store:
        (one,) = put(store, "a.jpg")
        with subject.reading() as reader:
            require_equal([*reader.select()], [one], "what a reader sees")
            require(not reader.refresh(), "it refreshed where nothing was committed")
            before = reader.version
            (two,) = put(store, "b.jpg")
            store.put_folder(Folder("/photos", 1.0))
            require_equal([*reader.select()], [one], "what it sees before it refreshes")
            require_equal(reader.version, before, "its version before it refreshes")
            require(reader.refresh(), "it did not refresh")
            require(reader.version != before, "its version stayed")
            require_equal(sorted(p.id for p in reader.select()), [one.id, two.id], "what it sees")
            require_equal(reader.folders(), store.folders(), "the folders that it sees")
            has, found = reader.embeddings(SPACE, ["b"])
            require(has[0], "it has no embedding of what was committed")
            require_equal(found[0].tolist(), embedding("b").tolist(), "the embedding")


def check_reopening(subject: StoreSubject) -> None:
    """What was committed is there after the library was closed and opened again."""
    if not subject.lasting:
        raise unittest.SkipTest("it keeps nothing when it is closed")
    with subject.writing() as store:
        photos = put(store, "a.jpg", "b.jpg", "~c.jpg")
        folder = store.put_folder(Folder("/photos", 1.0, excludes=("*.tmp",)))
        store.open_space("other", "1", DIMENSION, "build")
        photos[1:2] = store.commit([refused(photos[1], other="it crashed")])
        counts, spaces = store.counts(), store.spaces()
    with subject.reading() as reader:
        require_equal(sorted(reader.select(), key=_id), photos, "photos")
        require_equal((reader.folders(), reader.spaces()), ([folder], spaces), "folders and spaces")
        require_equal(reader.counts(), counts, "counts")
        require_equal(reader.space_counts("other@1").refused, 1, "refused photos")
        require_equal(reader.problems, [], "problems")
        require(reader.bytes > 0, "it has no size")
    with subject.writing() as store:
        (new,) = put(store, "d.jpg")
        require(new.id not in {photo.id for photo in photos}, "an id was given twice")
        _, found = store.embeddings(SPACE, ["a", "b", "~c", "d"])
        expected = [embedding(content).tolist() for content in ("a", "b", "~c", "d")]
        require_equal(found.tolist(), expected, "embeddings")
        states = [check.state for check in store.check(repair=True)]
        require(bool(states) and not {"broken", "warning"}.intersection(states), f"check: {states}")


def _id(photo: Photo) -> int:
    return photo.id


def check_readers(subject: StoreSubject) -> None:
    """Readers see whole commits alone, while one writes."""
    problems: list[str] = []
    done = threading.Event()

    def read() -> None:
        try:
            with subject.reading() as reader:
                while not done.is_set():
                    reader.refresh()
                    photos = [*reader.select()]
                    contents = [photo.content for photo in photos if photo.spaces]
                    if len(photos) % _TOGETHER or len(contents) != len(photos):
                        problems.append(f"saw {len(contents)} of {len(photos)} photos embedded")
                    _, found = reader.embeddings(SPACE, contents)
                    for content, vector in zip(contents, found, strict=True):
                        if vector.tolist() != embedding(content).tolist():
                            problems.append(f"read another embedding of {content}")
        except PhotofindError as error:
            problems.append(f"failed: {error!r}")

    with subject.writing() as store:
        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for start in range(0, 30 * _TOGETHER, _TOGETHER):
                put(store, *(f"{place:03x}.jpg" for place in range(start, start + _TOGETHER)))
        finally:
            done.set()
            for thread in threads:
                thread.join()
        require(not problems, f"a reader {problems[:1]}")
        require_equal(store.counts().photos, 30 * _TOGETHER, "photos")


def check_threads(subject: StoreSubject) -> None:
    """Threads share a store: what each commits is there."""
    problems: list[str] = []
    with subject.writing() as store:

        def write(name: str) -> None:
            try:
                for place in range(10):
                    (photo,) = put(store, f"{name}{place}.jpg")
                    if store.by_path([photo.path]) != {photo.path: photo}:
                        problems.append(f"lost {photo.path}")
            except PhotofindError as error:
                problems.append(f"failed: {error!r}")

        threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        require(not problems, f"a thread {problems[:1]}")
        require_equal(store.space_counts(SPACE).contents, 30, "contents")


SHARING_CHECKS: tuple[StoreCheck, ...] = (
    check_version,
    check_changes,
    check_refresh,
    check_reopening,
    check_readers,
    check_threads,
)
