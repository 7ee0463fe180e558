"""Checks of folders, spaces and embeddings, and of what belongs to them: tags and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from photofind.errors import LibraryError
from photofind.library.store import SpaceCounts, Store
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo, Space
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

__all__ = ["SPACE_CHECKS"]


def check_folders(subject: StoreSubject) -> None:
    """Folders are kept with all their fields, replaced by path, and removed without photos."""
    with subject.writing() as store:
        one = store.put_folder(Folder("/photos", 1.5))
        two = store.put_folder(Folder("/b", 2.0, "offline", ("/",), 3.25, ("*.tmp",), "unmounted"))
        require(one.id > 0 and two.id not in (0, one.id), f"their ids are {one.id} and {two.id}")
        require_equal(store.folders(), [one, two], "folders")
        two = store.put_folder(replace(two, volumes={"/b": "1234-ABCD"}))
        require_equal(store.folders(), [one, two], "folders, one with a volume")
        (photo,) = put(store, "a.jpg")
        again = store.put_folder(replace(one, scanned=9.0, id=0))
        require_equal(again, replace(one, scanned=9.0), "the folder that replaced another")
        require_equal(store.folders(), [again, two], "folders, oldest first")
        store.remove_folder("/photos")
        require_equal((store.folders(), [*store.select()]), ([two], [photo]), "what is left")


def check_space(subject: StoreSubject) -> None:
    """A space is opened again as it is, refuses another dimension, and keeps its last build."""
    with subject.writing(space=False) as store:
        first = store.open_space("mobilenet", "1", DIMENSION, "build 1")
        require_equal(first, Space("mobilenet", "1", DIMENSION, "build 1"), "the space")
        other = store.open_space("mobilenet", "2", 3)
        with require_raises(LibraryError, "another dimension"):
            store.open_space("mobilenet", "1", DIMENSION + 1)
        again = store.open_space("mobilenet", "1", DIMENSION, "build 2")
        require_equal(again, replace(first, build="build 2"), "the space of another build")
        require_equal(store.spaces(), [again, other], "spaces, oldest first")
        require_equal(store.space_counts(SPACE), SpaceCounts(0, 0, 0, 0), "counts of an empty one")


def check_embeddings(subject: StoreSubject) -> None:
    """Embeddings come back by content, in the order asked for, rounded to float16 at the most."""
    random = np.random.default_rng(0)
    made = {f"{place:02x}": random.normal(size=DIMENSION).astype("f4") for place in range(20)}
    with subject.writing() as store:
        photos = [Photo(f"/{content}", content=content) for content in made]
        store.commit(photos, SPACE, made)
        asked = ["05", "none", "00", "05", ""]
        has, found = store.embeddings(SPACE, asked)
        require_equal(has.tolist(), [True, False, True, True, False], "which have an embedding")
        require_equal((found.shape, found.dtype.name), ((5, DIMENSION), "float32"), "the array")
        require(not found[[1, 4]].any(), "there are numbers where there is no embedding")
        for content, vector in zip(asked, found, strict=True):
            if content in made:
                worst = np.abs(vector - made[content]) / np.abs(made[content])
                require(worst.max() <= 2**-11, f"an embedding is off by {worst.max():.2g}")
        has, found = store.embeddings(SPACE, [])
        require_equal((has.shape, found.shape), ((0,), (0, DIMENSION)), "the embeddings of nothing")


def check_copies(subject: StoreSubject) -> None:
    """Photos of one content share its embedding and its tags, those added later included."""
    with subject.writing() as store:
        tags = {SPACE: {"cat": 0.9}}
        store.commit(
            [Photo("/a", content="a", tags=tags), Photo("/b", content="a")],
            SPACE,
            {"a": embedding("a")},
        )
        store.commit([Photo("/c", content="a")])
        for photo in store.select():
            require_equal((photo.spaces, photo.tags), ((SPACE,), tags), f"what {photo.path} has")
        # An embedding that is there is not stored again.
        store.commit([Photo("/d", content="a")], SPACE, {"a": embedding("b")})
        _, found = store.embeddings(SPACE, ["a"])
        require_equal(found[0].tolist(), embedding("a").tolist(), "the embedding")
        require_equal(store.space_counts(SPACE), SpaceCounts(4, 0, 0, 1), "counts")
        put(store, "other.jpg")
        store.commit([Photo("/f", content="a", failure="no"), Photo("/g", content="other")])
        require_equal(sorted(store.shared_contents(SPACE)), ["a", "other"], "shared contents")
        store.remove(store.by_path(["/f", "/g", "/photos/other.jpg"]).values())
        require_equal(store.shared_contents(SPACE), ["a"], "shared contents after a copy went")
        store.remove(store.by_path(["/a"]).values())
        require_equal(store.by_path(["/b"])["/b"].tags, tags, "tags once the first has gone")
        store.open_space("other", "1", DIMENSION)
        store.commit([*store.by_path(["/c"]).values()], "other@1", {"a": embedding("a")})
        spaces = {photo.spaces for photo in store.select()}
        require_equal(spaces, {(SPACE, "other@1")}, "the spaces of all copies")


def check_waiting(subject: StoreSubject) -> None:
    """A photo without an embedding waits for one; tags without an embedding are not kept."""
    with subject.writing() as store:
        (photo,) = store.commit([Photo("/a", content="a", tags={SPACE: {"cat": 0.9}})], SPACE)
        require_equal((photo.spaces, photo.tags), ((), {}), "what a photo has that waits")
        require_equal(paths(store.select(Filter(lacking=SPACE))), ["/a"], "photos that wait")
        (again,) = store.commit([photo], SPACE, {"a": embedding("a")})
        require_equal((again.id, again.spaces), (photo.id, (SPACE,)), "the photo once embedded")
        require_equal(store.space_counts(SPACE), SpaceCounts(1, 0, 0, 1), "counts")


def check_embeddings_alone(subject: StoreSubject) -> None:
    """Embeddings come without photos, for contents that photos which are there have."""
    with subject.writing() as store:
        tags = {SPACE: {"cat": 0.9}}
        photos = [Photo(f"/{name}", content="a", tags=tags) for name in "xy"]
        before = store.commit(photos, SPACE, {"a": embedding("a")})
        store.commit([Photo("/failed", content="b", failure="no picture")])
        store.open_space("other", "1", DIMENSION)
        given = {content: embedding(content) for content in ("a", "b", "of no photo")}
        require_equal(store.commit([], "other@1", given), [], "the photos of a commit without any")
        expected = [replace(photo, spaces=(SPACE, "other@1")) for photo in before]
        found = store.by_path(["/x", "/y"])
        require_equal([*found.values()], expected, "the photos")
        require_equal(store.space_counts("other@1"), SpaceCounts(2, 0, 0, 1), "counts")
        require_equal(store.by_path(["/failed"])["/failed"].spaces, (), "spaces of a failed photo")
        _, vectors = store.embeddings("other@1", ["a"])
        require_equal(vectors[0].tolist(), embedding("a").tolist(), "the embedding")


def check_removed_embeddings(subject: StoreSubject) -> None:
    """The embedding of a removed photo can be had until the next reclaim, and used again."""
    with subject.writing() as store:
        a, b = put(store, "a.jpg", "b.jpg")
        store.remove([a])
        has, found = store.embeddings(SPACE, ["a"])
        if has[0]:  # Otherwise the engine does not know it any more.
            require_equal(found[0].tolist(), embedding("a").tolist(), "the embedding")
        require_equal(store.space_counts(SPACE), SpaceCounts(1, 0, 0, 1), "counts")
        (back,) = store.commit([replace(a, id=0, path="/else")], SPACE, {"a": embedding("a")})
        require_equal(back.spaces, (SPACE,), "the spaces of the photo that came back")
        store.remove([b])
        store.reclaim()
        has, found = store.embeddings(SPACE, ["a"])
        require_equal(has.tolist(), [True], "whether it is there after reclaiming")
        require_equal(found[0].tolist(), embedding("a").tolist(), "the embedding after reclaiming")


def check_scan(subject: StoreSubject) -> None:
    """A scan gives each content that photos refer to once, with its embedding."""
    names = [f"{place:03x}.jpg" for place in range(300)]
    with subject.writing() as store:
        photos = put(store, *names, "000.copy.jpg")
        store.remove(photos[5:10])
        seen: dict[str, np.ndarray] = {}
        for contents, embeddings in store.scan(SPACE):
            require_equal(embeddings.shape, (len(contents), DIMENSION), "the shape of a batch")
            for content, vector in zip(contents, embeddings, strict=True):
                require(content not in seen, f"{content} came twice")
                seen[content] = vector
        expected = {photo.content for photo in store.select()}
        require_equal(seen.keys(), expected, "contents")
        for content, vector in seen.items():
            require_equal(vector.tolist(), embedding(content).tolist(), f"what is {content}'s")


def check_sample(subject: StoreSubject) -> None:
    """A sample is drawn from what photos refer to, the same for the same seed."""
    with subject.writing() as store:
        photos = put(store, *(f"{place:03x}.jpg" for place in range(100)))
        store.remove(photos[:20])
        contents, embeddings = store.sample(SPACE, 30)
        again, _ = store.sample(SPACE, 30)
        require_equal(list(again), list(contents), "the same sample")
        require_equal((len(contents), len(set(contents))), (30, 30), "how many were drawn")
        require(set(contents) <= {p.content for p in photos[20:]}, "a removed content was drawn")
        require_equal(embeddings[7].tolist(), embedding(contents[7]).tolist(), "an embedding")
        other, _ = store.sample(SPACE, 30, seed=1)
        require(set(other) != set(contents), "another seed draws the same")
        every, _ = store.sample(SPACE, 1000)
        require_equal(len(every), 80, "a sample of everything")


def check_refusals(subject: StoreSubject) -> None:
    """A refusal leaves embeddings of others, follows moves, and ends with an embedding."""
    with subject.writing() as store:
        store.open_space("other", "1", DIMENSION)
        one, copy, plain = put(store, "a.jpg", "a.copy.jpg", "b.jpg")
        one, copy = store.commit([refused(one, other="it crashed"), refused(copy, other="it hung")])
        require_equal((one.spaces, one.failure), ((SPACE,), None), "what the refused photo has")
        (one,) = store.commit([replace(one, path="/photos/moved.jpg")])
        require_equal(one.refusals, {"other@1": "it crashed"}, "the refusals of a moved photo")
        require_equal(store.space_counts("other@1"), SpaceCounts(0, 1, 2, 0), "counts")
        store.commit([one], "other@1", {"a": embedding("a")})
        require_equal([*store.select(Filter(refused=True))], [], "refused photos in the end")
        require_equal(store.space_counts("other@1"), SpaceCounts(2, 1, 0, 1), "counts in the end")
        require_equal(store.by_path([plain.path])[plain.path], plain, "another photo")


def _refuse_three(store: Store) -> list[str]:
    store.open_space("other", "1", DIMENSION, "first")
    one, two = put(store, "a.jpg", "b.jpg")
    store.commit(
        [
            refused(one, other="it crashed"),
            refused(two, other="it crashed"),
            refused(Photo("/else/c", failure="it hung"), other="it hung"),
        ]
    )
    return [one.path, two.path, "/else/c"]


def check_clear_refusals(subject: StoreSubject) -> None:
    """Refusals are cleared by folder and by space; photos that had nothing else wait again."""
    with subject.writing() as store:
        a, b, c = _refuse_three(store)
        store.clear_refusals(folder="/else")
        require_equal(sorted(paths(store.select(Filter(refused=True)))), [a, b], "by folder")
        require_equal(store.by_path([c])[c].failure, None, "the failure of a photo to be tried")
        store.clear_refusals(space=SPACE)
        require_equal(store.count(Filter(refused=True)), 2, "after those of another space")
        store.clear_refusals(space="other@1")
        require_equal(store.count(Filter(refused=True)), 0, "by space")
        require_equal(store.space_counts("other@1"), SpaceCounts(0, 3, 0, 0), "counts")


def check_build(subject: StoreSubject) -> None:
    """Another build of an extractor tries again what it refused, the same one does not."""
    with subject.writing() as store:
        _refuse_three(store)
        store.open_space("other", "1", DIMENSION, "first")
        store.open_space("mobilenet", "1", DIMENSION, "another")
        require_equal(store.count(Filter(refused=True)), 3, "refused by the same build")
        store.open_space("other", "1", DIMENSION, "second")
        require_equal(store.count(Filter(refused=True)), 0, "refused by another build")
        require_equal(store.counts().failed, 0, "failed photos")


def check_remove_space(subject: StoreSubject) -> None:
    """A space goes with its embeddings, tags and refusals; others stay."""
    with subject.writing() as store:
        store.open_space("other", "1", DIMENSION)
        (photo,) = put(store, "a.jpg")
        tags = {SPACE: {"cat": 0.9}, "other@1": {"dog": 0.8}}
        store.commit([replace(photo, tags=tags)], "other@1", {"a": embedding("a")})
        both = refused(Photo("/both", failure="a crash"), mobilenet="a crash", other="another")
        store.commit(
            [both, refused(Photo("/one", failure="a crash"), mobilenet="a crash"), Photo("/w")]
        )
        store.remove_space(SPACE)
        require_equal([space.id for space in store.spaces()], ["other@1"], "spaces")
        photos = store.by_path([photo.path, "/both", "/one"])
        left = photos[photo.path]
        require_equal(
            (left.spaces, left.tags), (("other@1",), {"other@1": {"dog": 0.8}}), "what is left"
        )
        require_equal(photos["/both"].refusals, {"other@1": "another"}, "its other refusal")
        failures = photos["/both"].failure, photos["/one"].failure
        require_equal(failures, ("another", None), "failures")
        with require_raises(LibraryError, "removing it again"):
            store.remove_space(SPACE)
        store.open_space("mobilenet", "1", DIMENSION)
        require_equal(store.space_counts(SPACE).embedded, 0, "embedded photos of the new space")
        has, _ = store.embeddings(SPACE, ["a"])
        require(not has[0], "the new space has embeddings of the removed one")


SPACE_CHECKS: tuple[StoreCheck, ...] = (
    check_folders,
    check_space,
    check_embeddings,
    check_copies,
    check_waiting,
    check_embeddings_alone,
    check_removed_embeddings,
    check_scan,
    check_sample,
    check_refusals,
    check_clear_refusals,
    check_build,
    check_remove_space,
)
