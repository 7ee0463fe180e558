"""Checks of photos: committing, moving, removing, finding, counting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from photofind.errors import LibraryError
from photofind.library.store import Counts, Place
from photofind.model import TagCount
from photofind.model.filters import EVERYTHING, Filter
from photofind.model.judgements import Asked, Judgement, TagJudgement
from photofind.model.records import Photo, Retry
from photofind.testing.stores.subject import (
    DIMENSION,
    SPACE,
    StoreCheck,
    StoreSubject,
    embedding,
    paths,
    put,
    refused,
    require,
    require_equal,
    require_raises,
)

__all__ = ["PHOTO_CHECKS"]

ODD_PATH = '/photos/caf\udce9/日本 \\ "a\n.jpg'


def check_empty(subject: StoreSubject) -> None:
    """An empty library answers every question."""
    with subject.writing(space=False) as store:
        require_equal(store.counts(), Counts(0, 0, 0, 0), "counts")
        require_equal((store.count(), [*store.select()]), (0, []), "photos")
        require_equal((store.folders(), store.spaces()), ([], []), "folders and spaces")
        require_equal((store.places(), store.tags()), ([], []), "places and tags")
        found = store.by_id([1]), store.by_path(["/a"]), store.by_content(["a", ""])
        require_equal(found, ({}, {}, {}), "what was looked up")
        require_equal(store.verify(), 0, "damaged photos")
        require_equal(store.verify(changed_only=True), 0, "photos damaged by others")


def check_all_fields(subject: StoreSubject) -> None:
    """A photo is kept with all its fields, whatever bytes its path is made of."""
    photo = Photo(
        path=ODD_PATH,
        size=0,
        modified=1_700_000_000_123_456_789,
        inode=2**63,
        content="c0ffee",
        width=4000,
        height=3000,
        format="JPEG",
        fingerprint="1abc",
        captured="2024-05-01T10:00:00",
        camera="Leica",
        latitude=0.0,
        longitude=-1.5,
        keywords=("a", "b"),
        caption="x",
        tags={SPACE: {"sea-coast": 0.87, "café": 0.1}},
        sidecar=5,
        changed=1_700_000_001_123_456_789,
        sidecar_changed=1_700_000_002_123_456_789,
    )
    with subject.writing() as store:
        (stored,) = store.commit([photo], SPACE, {"c0ffee": embedding("c0ffee")})
        require(stored.id > 0, f"its id is {stored.id}")
        require_equal(stored, replace(photo, id=stored.id, spaces=(SPACE,)), "what commit returned")
        with subject.reading() as reader:
            for one in (store, reader):
                require_equal([*one.select()], [stored], "photos")
                require_equal(one.by_path([ODD_PATH]), {ODD_PATH: stored}, "by path")
                require_equal(one.by_id([stored.id]), {stored.id: stored}, "by id")
                require_equal(one.by_content(["c0ffee"]), {"c0ffee": [stored]}, "by content")
                require_equal([*one.select(Filter("/photos/caf\udce9"))], [stored], "in its folder")


def check_replace(subject: StoreSubject) -> None:
    """A photo replaces the one at its path, and keeps its id; the last of two at a path stays."""
    with subject.writing() as store:
        (first,) = put(store, "a.jpg")
        (second,) = store.commit([Photo(first.path, size=5, content="b")])
        require_equal((second.id, second.size), (first.id, 5), "the photo that replaced it")
        require_equal((second.spaces, store.by_content(["a"])), ((), {}), "the old content")
        (third,) = store.commit([replace(second, size=6), replace(second, size=7)])
        require_equal(([*store.select()], third.size), ([third], 7), "the last of two at a path")


def check_told_apart(subject: StoreSubject) -> None:
    """Contents that were told apart stay so, whatever becomes of their photos."""
    with subject.writing() as store:
        a, _ = put(store, "a.jpg", "b.jpg")
        require_equal(store.told_apart(), frozenset(), "pairs of a new library")
        store.tell_apart([("a", "b"), ("b", "c")])
        store.tell_apart([("a", "b")])
        both = frozenset({("a", "b"), ("b", "c")})
        require_equal(store.told_apart(), both, "pairs")
        store.commit([replace(a, path="/elsewhere/a.jpg")])
        store.remove([a])
        store.reclaim()
        [*store.check(repair=True)]
        with subject.reading() as reader:
            require_equal(reader.told_apart(), both, "pairs that a reader sees")
            store.forget_apart([("a", "b"), ("x", "y")])
            require_equal(store.told_apart(), frozenset({("b", "c")}), "pairs that are left")
            require(reader.refresh(), "the reader did not refresh")
            require_equal(reader.told_apart(), frozenset({("b", "c")}), "pairs after refreshing")
    if subject.lasting:
        with subject.reading() as reader:
            require_equal(reader.told_apart(), frozenset({("b", "c")}), "pairs after reopening")


def check_judgements(subject: StoreSubject) -> None:
    """What was said of hits stays, is replaced by what is said later, and can be forgotten."""
    one, other = Asked(("q",)), Asked(("q",), "a boat", (0.0, 0.25, 0.5, 0.5))
    first = [Judgement(one, "a", True, 1.5), Judgement(other, "a", False, 2.5)]
    with subject.writing() as store:
        a, _ = put(store, "a.jpg", "b.jpg")
        require_equal([*store.judgements()], [], "judgements of a new library")
        store.judge(first)
        require_equal([*store.judgements()], first, "judgements")
        store.judge([Judgement(one, "a", True, 3.5), Judgement(one, "a", False, 4.5)])
        changed = [Judgement(one, "a", False, 4.5), first[1]]
        require_equal([*store.judgements()], changed, "judgements of the same again")
        store.commit([replace(a, path="/elsewhere/a.jpg")])
        store.remove([a])
        store.reclaim()
        [*store.check(repair=True)]
        with subject.reading() as reader:
            require_equal([*reader.judgements()], changed, "judgements that a reader sees")
            store.forget_judgements([first[1], Judgement(other, "b", True)])
            require_equal([*store.judgements()], changed[:1], "judgements that are left")
            require(reader.refresh(), "the reader did not refresh")
            require_equal([*reader.judgements()], changed[:1], "judgements after refreshing")
    if subject.lasting:
        with subject.reading() as reader:
            require_equal([*reader.judgements()], changed[:1], "judgements after reopening")


def check_tag_judgements(subject: StoreSubject) -> None:
    """What was said of tags is of a content: it stays, decides what is found, can be forgotten."""
    wrong, right = TagJudgement("a", "dog", False, 1.5), TagJudgement("a", "red", True, 2.5)
    with subject.writing() as store:
        a, b = put(store, "a.jpg", "b.jpg")
        tagged = {SPACE: {"beagle": 0.9}}
        store.commit([replace(a, tags=tagged), replace(b, tags=tagged)])
        version = store.version
        store.judge_tags([wrong, right])
        require(store.version != version, "the version stayed the same")
        require_equal([*store.tag_judgements()], [wrong, right], "what was said of tags")
        require_equal(paths(store.select(Filter(tags=("dog",)))), [b.path], "photos of dogs")
        require_equal(store.count(Filter(tags=("red",))), 1, "the number of red photos")
        listed = paths(store.select(Filter(tags=("animal",)), newest_first=True))
        require_equal(listed, [b.path], "photos of animals, newest first")
        store.remove(store.by_path([a.path]).values())
        store.reclaim()
        [*store.check(repair=True)]
        (again,) = store.commit([Photo("/elsewhere.jpg", content="a")])
        require_equal(dict(again.said), {"dog": False, "red": True}, "what is said of a content")
        with subject.reading() as reader:
            read = reader.by_content(["a"])["a"][0]
            require_equal(dict(read.said), dict(again.said), "what a reader sees")
            store.judge_tags([TagJudgement("a", "DOG", True, 3.5)])
            store.forget_tag_judgements([right, TagJudgement("b", "red", True)])
            require(reader.refresh(), "the reader did not refresh")
            read = reader.by_content(["a"])["a"][0]
            require_equal(dict(read.said), {"DOG": True}, "what is said after refreshing")
    if subject.lasting:
        with subject.reading() as reader:
            read = reader.by_content(["a"])["a"][0]
            require_equal(dict(read.said), {"DOG": True}, "what is said after reopening")


def check_moves(subject: StoreSubject) -> None:
    """Photos move by their ids: they change places, and displace what is at their new path."""
    with subject.writing() as store:
        a, b, c = put(store, "a.jpg", "b.jpg", "c.jpg")
        store.commit([replace(a, path=b.path), replace(b, path=a.path)])
        expected = {a.path: replace(b, path=a.path), b.path: replace(a, path=b.path)}
        require_equal(store.by_path([a.path, b.path]), expected, "photos that changed places")
        store.commit([replace(c, path=a.path), Photo(c.path, content="new")])
        there = store.by_path([a.path, c.path])
        require_equal(there[a.path], replace(c, path=a.path), "the photo that displaced another")
        require(there[c.path].id not in (a.id, b.id, c.id), "an id was given twice")
        require_equal((store.count(), store.by_id([b.id])), (3, {}), "the displaced photo")
        store.remove([there[a.path]])
        (back,) = store.commit([replace(c, path="/elsewhere/c.jpg")])
        require_equal(back.id, c.id, "the id of a photo that was removed and came back")


def check_away(subject: StoreSubject) -> None:
    """Photos that are away stand beside those at their paths, and change places with them."""
    with subject.writing() as store:
        a, b = put(store, "a.jpg", "b.jpg")
        (gone,) = store.commit([replace(a, away="first card")])
        require_equal(store.by_path([a.path]), {}, "the path of a photo that is away")
        (new,) = store.commit([Photo(a.path, content="new")])
        require(new.id != gone.id, "a photo took the id of one that is away")
        require_equal(store.by_id([gone.id]), {gone.id: replace(a, away="first card")}, "it")
        require_equal(store.by_path([a.path]), {a.path: new}, "the photo at its path")
        require_equal(store.count(Filter("/photos")), 3, "photos below the folder")
        store.commit([replace(new, away="second card"), replace(gone, away=None)])
        require_equal(store.by_path([a.path]), {a.path: a}, "the path of a photo that is back")
        require_equal((store.count(), store.by_path([b.path])), (3, {b.path: b}), "all of them")


def check_failed(subject: StoreSubject) -> None:
    """A failed photo has neither embeddings nor tags, and is whole again once it is embedded."""
    with subject.writing() as store:
        (photo,) = put(store, "a.jpg")
        tags = {SPACE: {"cat": 0.9}}
        (failed, _) = store.commit(
            [replace(photo, failure="truncated", tags=tags), Photo("/b", failure="")]
        )
        require_equal((failed.spaces, failed.tags), ((), {}), "what the failed photo has")
        require_equal(store.counts(), Counts(2, 2, 0, 0), "counts")
        require_equal(store.count(Filter(failed=True)), 2, "failed photos")
        require_equal(store.space_counts(SPACE).embedded, 0, "embedded photos")
        put(store, "a.jpg")
        require_equal(store.counts(), Counts(2, 1, 0, 1), "counts after it was embedded")


def check_noted(subject: StoreSubject) -> None:
    """Photos that could be read only in part are counted, and found; a failed one is no such."""
    with subject.writing() as store:
        photo, other = put(store, "a.jpg", "b.jpg")
        noted, failed = store.commit(
            [replace(photo, note="cut off"), replace(other, note="cut off", failure="truncated")]
        )
        require_equal(store.counts().noted, 1, "photos with a note")
        require_equal([*store.select(Filter(noted=True, failed=False))], [noted], "the photo")
        store.commit([replace(noted, note=None), replace(failed, failure=None)])
        require_equal(store.counts().noted, 1, "photos with a note afterwards")
        store.remove([*store.by_path([other.path]).values()])
        require_equal(store.counts().noted, 0, "photos with a note in the end")
        require_equal([*store.select(Filter(noted=True, failed=False))], [], "photos in the end")


def check_tried_again(subject: StoreSubject) -> None:
    """When a photo is tried again is kept with it, and such photos are found."""
    with subject.writing() as store:
        put(store, "a.jpg")
        failed = Photo("/p/b", failure="I/O error", retry=Retry(2, 1_700_000_000))
        lasting = Photo("/p/c", failure="no picture")
        store.commit([failed, lasting])
        (found,) = store.select(Filter(passing=True))
        require_equal((found.path, found.retry), (failed.path, failed.retry), "what is tried again")
        store.commit([replace(found, failure=None, retry=None)])
        require_equal([*store.select(Filter(passing=True))], [], "what is tried again later")


def check_all_or_nothing(subject: StoreSubject) -> None:
    """A commit with an embedding that cannot be kept changes nothing, and can be tried again."""
    wrong = {
        "an infinite embedding": np.full(DIMENSION, np.inf, np.float32),
        "an embedding that is no number": np.full(DIMENSION, np.nan, np.float32),
        "an embedding beyond float16": np.full(DIMENSION, 1e6, np.float32),
        "an embedding of another dimension": np.ones(DIMENSION + 1, np.float32),
    }
    with subject.writing() as store:
        (known,) = put(store, "known.jpg")
        version = store.version
        photos = [replace(known, size=9), Photo("/good", content="g"), Photo("/bad", content="x")]
        good = {"g": embedding("g")}
        for what, vector in wrong.items():
            with require_raises(LibraryError, what):
                store.commit(photos, SPACE, {**good, "x": vector})
            require_equal([*store.select()], [known], f"photos after {what}")
            require_equal(store.version, version, f"the version after {what}")
        with require_raises(LibraryError, "a space that does not exist"):
            store.commit(photos, "nobody@1", {**good, "x": embedding("x")})
        require_equal([*store.select()], [known], "photos after a space that does not exist")
        store.commit(photos, SPACE, {**good, "x": embedding("x")})
        require_equal(store.space_counts(SPACE).embedded, 3, "embedded photos in the end")


def check_remove(subject: StoreSubject) -> None:
    """What is removed is gone, and removing it twice does no harm."""
    with subject.writing() as store:
        one, copy, other = put(store, "a.jpg", "a.copy.jpg", "b.jpg")
        store.remove([one, other])
        store.remove([other])
        require_equal([*store.select()], [copy], "the photo that is left")
        looked_up = store.by_id([one.id]), store.by_path([one.path]), store.by_content(["b"])
        require_equal(looked_up, ({}, {}, {}), "the removed photos")


def check_lookup(subject: StoreSubject) -> None:
    """Batch look-ups leave out what does not exist; contents give their photos, oldest first."""
    with subject.writing() as store:
        one, other, copy = put(store, "a.jpg", "b.jpg", "a.copy.jpg")
        moved = replace(one, path="/photos/z.jpg")
        store.commit([moved])
        require_equal(
            store.by_content(["a", "b", "none", "a"]),
            {"a": [moved, copy], "b": [other]},
            "contents",
        )
        store.commit([replace(copy, fingerprint="of a")])
        require_equal(store.fingerprints(["a", "b", "none"]), {"a": "of a"}, "fingerprints")
        copy = store.by_id([copy.id])[copy.id]
        unknown = 10**6
        require_equal(store.by_id([copy.id, unknown]), {copy.id: copy}, "ids")
        require_equal(store.by_path([other.path, one.path]), {other.path: other}, "paths")


def check_select(subject: StoreSubject) -> None:
    """Every filter selects and counts the photos that it lets pass."""
    with subject.writing() as store:
        store.open_space("other", "1", DIMENSION)
        tagged = {SPACE: {"hot dog": 0.9, "plate": 0.2}}
        photos = [
            Photo("/p/a", content="a", captured="2020-05-01T10:00:00", tags=tagged),
            Photo("/p/b/c", content="c", captured="2021-05-01T10:00:00", keywords=("Dogma",)),
            Photo("/pq/a", content="~d", captured="2021-12-31T23:59:59", keywords=("hot-dog",)),
            Photo('/p/"q/d', content="e", modified=1_600_000_000 * 10**9),
            refused(Photo("/p/r", content="r", captured="2019"), other="it crashed"),
            Photo("/p/unreadable", failure="no picture"),
            Photo("/p/cut", content="cut", note="the end is missing"),
            Photo("/p/passing", failure="I/O error", retry=Retry(1, 1_700_000_000)),
            refused(Photo("/p/both", failure="a crash"), mobilenet="a crash", other="a crash"),
        ]
        store.commit(photos, SPACE, {name: embedding(name) for name in ("a", "c", "~d", "r")})
        filters = [
            EVERYTHING,
            Filter("/p"),
            Filter('/p/"q/'),
            Filter("/"),
            Filter("/nowhere"),
            Filter(since="2020"),
            Filter(until="2020-05"),
            Filter(since="2020-06", until="2021-05-01"),
            Filter(tags=("DOG",)),
            Filter(tags=("dog", "plate")),
            Filter(tags=("cat",)),
            Filter("/pq", tags=("hot dog",), since="2021-12"),
            Filter(failed=True),
            Filter(failed=False),
            Filter(refused=True),
            Filter(passing=True),
            Filter("/pq", passing=True),
            Filter(noted=True),
            Filter("/pq", noted=True),
            Filter(preliminary=True),
            Filter(embedded=SPACE),
            Filter("/p", embedded=SPACE, failed=False),
            Filter(embedded="other@1"),
            Filter(lacking=SPACE),
            Filter(lacking="other@1"),
        ]
        stored = [*store.select()]
        require_equal(len(stored), len(photos), "all photos")
        for where in filters:
            expected = sorted(photo.path for photo in stored if where.passes(photo))
            require_equal(sorted(paths(store.select(where))), expected, f"photos of {where}")
            require_equal(store.count(where), len(expected), f"the count of {where}")


def check_order(subject: StoreSubject) -> None:
    """The newest photos come first, page by page, the last added first of the same moment."""
    with subject.writing() as store:
        moments = ["2020-01-01", "2022-01-01", "2021-01-01", "2022-01-01", "2019-01-01"]
        store.commit(
            Photo(f"/p/{place}", captured=moment, failure="no" if place == 2 else None)
            for place, moment in enumerate(moments)
        )

        def pages(where: Filter, size: int) -> list[list[str]]:
            return [
                paths(store.select(where, newest_first=True, offset=start, limit=size))
                for start in range(0, 6, size)
            ]

        require_equal(pages(EVERYTHING, 6), [["/p/3", "/p/1", "/p/2", "/p/0", "/p/4"]], "one page")
        expected = [["/p/3", "/p/1"], ["/p/2", "/p/0"], ["/p/4"]]
        require_equal(pages(EVERYTHING, 2), expected, "pages of two")
        expected = [["/p/3", "/p/1"], ["/p/0", "/p/4"], []]
        require_equal(pages(Filter(failed=False), 2), expected, "pages of those that did not fail")
        require_equal(pages(Filter(since="2022"), 3), [["/p/3", "/p/1"], []], "pages of a year")
        (photo,) = store.select(newest_first=True, limit=1)
        store.commit([replace(photo, captured="2018-01-01")])
        require_equal(pages(EVERYTHING, 1)[0], ["/p/1"], "the newest after a change")
        require_equal(len([*store.select(offset=3)]), 2, "photos from the fourth on, in any order")


def check_places(subject: StoreSubject) -> None:
    """Places count the photos that did not fail by folder and month."""
    with subject.writing() as store:
        store.commit(
            [
                Photo("/p/a", captured="2020-05-01"),
                Photo("/p/b", captured="2020-05-31"),
                Photo("/p/c", captured="2020-06-01"),
                Photo("/p/d/e", captured="2020-05-01"),
                Photo("/p/f", captured="2020-05-01", failure="no picture"),
            ]
        )
        expected = [
            Place("/p", "2020-05", 2),
            Place("/p", "2020-06", 1),
            Place("/p/d", "2020-05", 1),
        ]
        require_equal(sorted(store.places()), expected, "places")
        store.remove(store.select(Filter("/p/d")))
        require_equal(sorted(store.places()), expected[:2], "places after a photo went")


def check_tags(subject: StoreSubject) -> None:
    """Tags and keywords are counted together, whatever their case and punctuation."""
    with subject.writing() as store:
        store.open_space("other", "1", DIMENSION)
        (one, _, _) = put(store, "a.jpg", "b.jpg", "c.jpg")
        store.commit([replace(one, tags={SPACE: {"Hot dog": 0.9}}, keywords=("sea",))])
        tags = {"other@1": {"hot-dog": 0.8}}
        store.commit(
            [Photo("/photos/b.jpg", content="b", tags=tags)], "other@1", {"b": embedding("b")}
        )
        store.commit([Photo("/photos/c.jpg", content="c", keywords=("Hot Dog",))])
        store.commit([Photo("/photos/d.jpg", keywords=("lost",), failure="no picture")])
        found = {one.name.casefold().replace("-", " "): one for one in store.tags()}
        named = [name for name in found if name in ("hot dog", "food", "sea")]
        require_equal(named, ["hot dog", "food", "sea"], "tags, the most frequent first")
        dog = found["hot dog"]
        require_equal(
            replace(dog, name="hot dog"),
            TagCount("hot dog", 3, ("mobilenet", "other"), True),
            "the tag of three photos",
        )
        require_equal(found["sea"], TagCount("sea", 1, (), True), "the keyword of one")


def check_preliminary(subject: StoreSubject) -> None:
    """Photos whose thumbnail alone was embedded are counted, until they are embedded whole."""
    with subject.writing() as store:
        photo, _ = store.commit(
            [Photo("/a", content="~a"), Photo("/b", content="b")], SPACE, {"~a": embedding("~a")}
        )
        require(photo.preliminary, "its content lost the mark of a preliminary one")
        require_equal(store.counts(), Counts(2, 0, 1, 0), "counts")
        counts = store.space_counts(SPACE)
        require_equal((counts.embedded, counts.lacking), (1, 1), "embedded and lacking photos")
        store.commit([replace(photo, content="a")], SPACE, {"a": embedding("a")})
        require_equal(store.counts(), Counts(2, 0, 0, 1), "counts once it was embedded whole")


def check_unmarked(subject: StoreSubject) -> None:
    """Photos that are embedded whole without a fingerprint are counted and found."""
    with subject.writing() as store:
        photo, _, other = put(store, "a.jpg", "b.jpg", "c.jpg")
        (marked,) = store.commit([replace(photo, fingerprint="1abc")])
        store.commit([replace(other, failure="no picture"), Photo("/p/d", content="d")])
        where = Filter(unmarked=True)
        require_equal(store.counts().unmarked, 1, "photos without a fingerprint")
        require_equal([one.path for one in store.select(where)], ["/photos/b.jpg"], "which")
        require_equal(store.by_content([marked.content])[marked.content], [marked], "the other")
        store.remove([*store.select(where)])
        require_equal(store.counts().unmarked, 0, "photos without one in the end")


PHOTO_CHECKS: tuple[StoreCheck, ...] = (
    check_empty,
    check_all_fields,
    check_replace,
    check_moves,
    check_told_apart,
    check_judgements,
    check_tag_judgements,
    check_away,
    check_failed,
    check_noted,
    check_tried_again,
    check_all_or_nothing,
    check_remove,
    check_lookup,
    check_select,
    check_order,
    check_places,
    check_tags,
    check_preliminary,
    check_unmarked,
)
