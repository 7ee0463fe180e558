"""The files of the default engine: rows, generations, locks, damage, and what a reader sees."""

from __future__ import annotations

import errno
import os
import threading
import zlib
from dataclasses import replace

import numpy as np
import pytest

from photofind.errors import DamagedError, LibraryError, LockedError, NewerFormatError
from photofind.library.embedded import vectors as vectors_module
from photofind.library.embedded.removed import RemovedContents
from photofind.library.embedded.store import EmbeddedStore
from photofind.library.embedded.vectors import Vectors
from photofind.model.filters import Filter
from photofind.model.records import Folder, Photo, Space
from photofind.paths import Home

DIMENSION = 8


class Library(EmbeddedStore):
    """A store that shows what it keeps to itself."""

    def photo(self, path):
        return self.by_path([path]).get(path)

    def rows(self, photo):
        """The rows of a photo, by space; none where it is not in the library."""
        record = self._catalog.by_path([photo.path]).get(photo.path)
        return dict(record.rows) if record else {}

    def photos_of_row(self, space, row):
        (content,) = self._catalog.contents(space).contents(np.array([row]))
        return self.by_content([content])[content]

    def space(self, space):
        return self._spaces.get(space)

    def space_folder(self, space):
        return self._spaces.folder(space)

    def vectors(self, space):
        return self._spaces.vectors(space)

    def live_rows(self, space):
        return self._spaces.snapshot(space).live_rows

    def dead_rows(self, space):
        return np.flatnonzero(self._spaces.snapshot(space).photos == 0)


def vector(content):
    """The vector of a content: exact in float16, and another for each content."""
    return np.random.default_rng(list(content.encode())).integers(-99, 99, DIMENSION).astype("f4")


def put(library, *names, space="mobilenet@1"):
    """Commit a photo for each name, whose content is the name up to a dot."""
    photos = [Photo(path=f"/photos/{name}", content=name.split(".")[0]) for name in names]
    return library.commit(photos, space, {photo.content: vector(photo.content) for photo in photos})


def check(library, space="mobilenet@1"):
    """Check that each photo's vector is the one of its content, and return the paths."""
    for photo in library.select():
        rows = library.rows(photo)
        assert photo.spaces == tuple(rows)
        found, vectors = library.embeddings(space, [photo.content])
        assert found.tolist() == [space in rows]
        if space in rows:
            row = rows[space]
            assert np.array_equal(vectors, [vector(photo.content)])
            assert np.array_equal(library.vectors(space).rows([row])[0], vector(photo.content))
            assert photo in library.photos_of_row(space, row)
        assert library.photo(photo.path) == photo
        assert photo in library.by_content([photo.content])[photo.content]
    return sorted(photo.path for photo in library.select())


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def library(home):
    with Library(home, writable=True) as library:
        library.open_space("mobilenet", "1", DIMENSION)
        yield library


def vectors_file(library, space="mobilenet@1"):
    return library.vectors(space).path


def test_what_a_photo_lacks_is_not_written(home, library):
    put(library, "a.jpg")
    raw = home.catalog.read_bytes()
    assert b"failure" not in raw
    assert b"null" not in raw


def test_a_content_has_one_vector(library):
    put(library, "a.jpg", "a.copy.jpg", "b.jpg")
    put(library, "a.later.jpg")
    assert library.space("mobilenet@1").rows == 2
    assert [photo.path for photo in library.photos_of_row("mobilenet@1", 0)] == [
        "/photos/a.jpg",
        "/photos/a.copy.jpg",
        "/photos/a.later.jpg",
    ]
    check(library)


def test_copies_get_the_row_of_a_new_space_too(library):
    put(library, "a.jpg", "a.copy.jpg")
    library.open_space("other", "2", DIMENSION)
    put(library, "a.jpg", space="other@2")
    assert {photo.spaces for photo in library.select()} == {("mobilenet@1", "other@2")}
    check(library, "other@2")


def test_photo_without_a_vector_waits_for_one(library):
    (photo,) = library.commit([Photo(path="/a", content="a")], "mobilenet@1")
    assert library.rows(photo) == {}
    (again,) = library.commit([photo], "mobilenet@1", {"a": vector("a")})
    assert (again.id, library.rows(again)) == (photo.id, {"mobilenet@1": 0})


def test_changed_content_gets_another_row(library):
    (photo,) = put(library, "a.jpg")
    library.commit([replace(photo, content="b")], "mobilenet@1", {"b": vector("b")})
    assert check(library) == ["/photos/a.jpg"]
    assert library.by_content(["a"]) == {}
    assert library.dead_rows("mobilenet@1").tolist() == [0]
    assert library.live_rows("mobilenet@1").tolist() == [1]


def test_failures_are_counted_and_mended(home, library):
    put(library, "a.jpg")
    library.commit(
        [Photo(path="/photos/a.jpg", content="x", failure="truncated"), Photo("/b", failure="")]
    )
    assert (library.count(), library.counts().failed) == (2, 2)
    assert [photo.failure for photo in library.select(Filter(failed=True))] == ["truncated", ""]
    assert library.photo("/photos/a.jpg").spaces == ()
    put(library, "a.jpg")
    assert (library.count(), library.counts().failed, Library(home).counts().failed) == (2, 1, 1)
    assert library.photo("/photos/a.jpg").failure is None


def refused(photo, **refusals):
    """A photo that extractors could not describe, by their names."""
    return replace(photo, refusals={f"{name}@1": reason for name, reason in refusals.items()})


def test_a_refusal_leaves_the_vectors_of_others_and_follows_moves(home, library):
    library.open_space("other", "1", DIMENSION)
    photo, plain = put(library, "a.jpg", "b.jpg")
    (photo,) = library.commit([refused(photo, other="it crashed")])
    assert (library.rows(photo), photo.failure) == ({"mobilenet@1": 0}, None)
    (moved,) = library.commit([replace(photo, path="/photos/moved.jpg")])
    for one in (library, Library(home)):
        assert [*one.select(Filter(refused=True))] == [replace(photo, path="/photos/moved.jpg")]
        assert (
            one.counts().failed,
            one.space_counts("other@1").refused,
            one.space_counts("other@1").lacking,
        ) == (0, 1, 1)
        assert one.space_counts("mobilenet@1").lacking == 0
    vectors = {"a": vector("a")}
    (described,) = library.commit([moved], "other@1", vectors)
    assert (described.refusals, [*library.select(Filter(refused=True))]) == ({}, [])
    counts = library.space_counts("other@1")
    assert (counts.refused, counts.lacking) == (0, 1)
    assert library.photo(plain.path) == plain


def test_a_copy_that_gets_a_vector_is_refused_no_more(library):
    library.open_space("other", "1", DIMENSION)
    one, copy = put(library, "a.jpg", "a.copy.jpg")
    library.commit([refused(copy, other="it crashed")])
    library.commit([one], "other@1", {"a": vector("a")})
    assert library.photo(copy.path).refusals == {}


def test_what_only_an_extractor_failed_with_is_not_given_up_by_the_others(library):
    library.open_space("other", "1", DIMENSION)
    library.commit(
        [
            Photo("/unreadable", failure="no picture"),
            refused(Photo("/one", failure="a crash"), mobilenet="a crash"),
            refused(Photo("/both", failure="a crash"), mobilenet="a crash", other="another"),
        ]
    )
    assert (
        library.counts().failed,
        library.space_counts("mobilenet@1").lacking,
        library.space_counts("other@1").lacking,
    ) == (3, 0, 1)
    library.remove_space("mobilenet@1")
    failures = {photo.path: photo.failure for photo in library.select()}
    assert failures == {"/unreadable": "no picture", "/one": None, "/both": "another"}
    assert (library.counts().failed, library.space_counts("other@1").lacking) == (2, 1)
    assert library.photo("/both").refusals == {"other@1": "another"}


def test_a_photo_whose_only_vector_goes_with_its_space_is_a_failure_of_the_others(library):
    library.open_space("other", "1", DIMENSION)
    (photo,) = put(library, "a.jpg")
    library.commit([refused(photo, other="it crashed")])
    library.remove_space("mobilenet@1")
    photo = library.photo(photo.path)
    assert (photo.spaces, photo.failure, library.counts().failed) == ((), "it crashed", 1)


def test_refusals_are_forgotten_by_folder_and_when_the_extractor_is_another_build(library):
    def paths():
        return [photo.path for photo in library.select(Filter(refused=True))]

    library.open_space("other", "1", DIMENSION, "first")
    one, two = put(library, "a.jpg", "b.jpg")
    photos = [refused(one, other="it crashed"), refused(two, other="it crashed")]
    library.commit([*photos, refused(Photo("/else/c", failure="it hung"), other="it hung")])
    library.open_space("other", "1", DIMENSION, "first")
    assert paths() == [one.path, two.path, "/else/c"]
    library.clear_refusals(folder="/else")
    assert paths() == [one.path, two.path]
    assert library.photo("/else/c").failure is None
    again = library.open_space("other", "1", DIMENSION, "second")
    assert (paths(), [again]) == ([], library.spaces()[1:])
    assert library.space_counts("other@1").lacking == 3
    library.commit(photos)
    library.open_space("mobilenet", "1", DIMENSION, "second")
    assert paths() == [one.path, two.path]


def test_a_photo_that_nobody_refused_costs_nothing_more(home, library):
    put(library, "a.jpg")
    library.close()
    assert b"refusals" not in home.catalog.read_bytes()


def test_moves_keep_rows_and_ids(library):
    a, b, c = put(library, "a.jpg", "b.jpg", "c.jpg")
    library.commit([replace(a, path=b.path), replace(b, path=a.path)])
    assert library.photo(a.path) == replace(b, path=a.path)
    assert library.photo(b.path) == replace(a, path=b.path)
    library.commit([replace(c, path=a.path), Photo(path=c.path, content="new")])
    assert library.photo(a.path) == replace(c, path=a.path)
    assert library.photo(c.path).id not in (a.id, b.id, c.id)
    assert library.count() == 3
    check(library)


def test_the_last_of_two_photos_at_a_path_stays(library):
    library.commit([Photo("/a", size=1), Photo("/a", size=2)])
    assert [photo.size for photo in library.select()] == [2]


def test_photos_below_a_folder(library):
    paths = ["/p/a", "/p/b/c", "/pq/a", '/p/"q/d']
    library.commit([Photo(path) for path in paths])
    assert [photo.path for photo in library.select(Filter("/p"))] == ["/p/a", "/p/b/c", '/p/"q/d']
    assert [photo.path for photo in library.select(Filter('/p/"q'))] == ['/p/"q/d']
    assert len(list(library.select(Filter("/")))) == 4


def test_removed_photos_leave_dead_rows(library):
    photos = put(library, "a.jpg", "a.copy.jpg", "b.jpg")
    library.remove([photos[0], photos[2]])
    assert check(library) == ["/photos/a.copy.jpg"]
    assert library.dead_rows("mobilenet@1").tolist() == [1]


def test_folders(home, library):
    folder = library.put_folder(Folder("/photos", added=1.5, excludes=("*.tmp",), mounts=("/",)))
    changed = library.put_folder(replace(folder, id=0, state="offline", reason="not mounted"))
    assert changed.id == folder.id
    assert library.folders() == Library(home).folders() == [changed]
    library.remove_folder("/photos")
    assert library.folders() == []


def test_spaces(home, library):
    assert library.open_space("mobilenet", "1", DIMENSION) == Space("mobilenet", "1", DIMENSION)
    with pytest.raises(LibraryError, match="new version"):
        library.open_space("mobilenet", "1", DIMENSION + 1)
    with pytest.raises(LibraryError, match="no vectors of nothing@1"):
        library.embeddings("nothing@1", ["a"])
    library.open_space("../odd: name/", "1", 4)
    assert library.space_folder("../odd: name/@1").parent == home.spaces


def test_tags_belong_to_a_content_in_a_space(home, library):
    library.open_space("other", "2", DIMENSION)
    dog, cat = {"mobilenet@1": {"dog": 0.9, "cur": 0.1}}, {"other@2": {"cat": 0.5}}
    (one,) = library.commit(
        [Photo("/one", content="a", tags=dog)], "mobilenet@1", {"a": vector("a")}
    )
    assert one.tags == dog

    (copy,) = library.commit([Photo("/copy", content="a")])
    assert (copy.spaces, library.rows(copy), copy.tags) == (one.spaces, {"mobilenet@1": 0}, dog)
    (described,) = library.commit([replace(copy, tags=cat)], "other@2", {"a": vector("a")})
    assert described.tags == library.photo("/one").tags == dog | cat
    (moved,) = library.commit([replace(described, path="/moved", tags={})])
    assert moved.tags == dog | cat

    library.remove_space("other@2")
    assert all(photo.tags == dog for photo in Library(home).select())
    (edited,) = library.commit(
        [replace(one, content="b", tags={})], "mobilenet@1", {"b": vector("b")}
    )
    assert edited.tags == {}
    (broken,) = library.commit([replace(moved, failure="no picture")])
    assert (broken.tags, broken.spaces) == ({}, ())


def test_tags_of_a_space_without_a_row_are_not_kept(home, library):
    strange = {"gone@1": {"dog": 0.9}, "mobilenet@1": {}}
    (photo,) = library.commit(
        [Photo("/a", content="a", tags=strange)], "mobilenet@1", {"a": vector("a")}
    )
    assert photo.tags == {}
    assert b"tags" not in home.catalog.read_bytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 70000.0])
def test_vectors_that_cannot_be_kept_change_nothing(library, bad):
    revision = library.version
    wrong = {"a": vector("a"), "b": np.full(DIMENSION, bad, np.float32)}
    with pytest.raises(LibraryError):
        library.commit([Photo("/a", content="a"), Photo("/b", content="b")], "mobilenet@1", wrong)
    with pytest.raises(LibraryError):
        library.commit([Photo("/a", content="a")], "mobilenet@1", {"a": np.zeros(3, np.float32)})
    assert (library.count(), library.version) == (0, revision)


def test_vectors_are_read_in_blocks(library, monkeypatch):
    monkeypatch.setattr(vectors_module, "BLOCK", 3)
    names = [f"{number}.jpg" for number in range(8)]
    put(library, *names)
    blocks = list(library.vectors("mobilenet@1").blocks(1))
    assert [(first, len(block), block.dtype) for first, block in blocks] == [
        (1, 3, np.float32),
        (4, 3, np.float32),
        (7, 1, np.float32),
    ]
    assert np.array_equal(
        np.concatenate([block for _, block in blocks]), [vector(str(n)) for n in range(1, 8)]
    )


def test_one_writer_and_many_readers(home, library):
    put(library, "a.jpg")
    with pytest.raises(LockedError, match="another photofind is writing"):
        Library(home, writable=True)
    reader = Library(home)
    put(library, "b.jpg")
    assert check(reader) == ["/photos/a.jpg"]
    assert reader.refresh()
    assert check(reader) == ["/photos/a.jpg", "/photos/b.jpg"]
    assert reader.version == library.version
    assert not reader.refresh()
    with pytest.raises(LibraryError, match="not open for writing"):
        put(reader, "c.jpg")
    library.close()
    with Library(home, writable=True) as next_writer:
        assert check(next_writer) == ["/photos/a.jpg", "/photos/b.jpg"]


def test_reading_creates_nothing(home):
    with Library(home) as library:
        assert (library.count(), library.spaces(), list(library.select())) == (0, [], [])
    assert not home.root.exists()


def test_reader_of_a_home_that_cannot_be_written(home, library):
    put(library, "a.jpg", "b.jpg")
    library.close()
    before = {path: path.stat().st_mtime_ns for path in home.root.rglob("*")}
    with home.catalog.open("ab") as file:
        file.write(b"+ photos 9 {")
    folders = [path for path in [home.root, *home.root.rglob("*")] if path.is_dir()]
    for folder in folders:
        folder.chmod(0o500)
    try:
        check(Library(home))
    finally:
        for folder in folders:
            folder.chmod(0o700)
    assert before.keys() == set(home.root.rglob("*"))


def test_what_was_committed_is_found_while_more_comes(library):
    committed, errors = [], []
    done = threading.Event()

    def look():
        try:
            while not done.is_set():
                for photo in committed[-20:]:
                    row = library.rows(photo)["mobilenet@1"]
                    expected = vector(photo.content)
                    assert np.array_equal(library.vectors("mobilenet@1").rows([row])[0], expected)
                    assert library.photos_of_row("mobilenet@1", row) == [photo]
                    assert library.photo(photo.path) == photo
        except Exception as error:  # noqa: BLE001 (whatever it is, the test fails)
            errors.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    for batch in range(40):
        committed += put(library, *(f"{batch}-{number}.jpg" for number in range(5)))
    done.set()
    thread.join()
    assert errors == []
    assert len(check(library)) == 200


# Upkeep.


def test_reclaim_renumbers_and_readers_follow(home, library):
    photos = put(library, *(f"{number}.jpg" for number in range(10)), "9.copy.jpg")
    reader, late = Library(home), Library(home)
    old = reader.vectors("mobilenet@1")
    library.remove(photos[:2])
    assert not library.reclaim()
    library.remove(photos[2:5])
    revision = library.version
    assert library.reclaim()
    assert library.version > revision
    space = library.space("mobilenet@1")
    assert (space.generation, space.rows) == (2, 5)
    assert library.dead_rows("mobilenet@1").tolist() == []
    assert [path.name for path in library.space_folder("mobilenet@1").iterdir()] == ["vectors-2"]
    assert len(check(library)) == 6
    assert np.array_equal(old.rows([9])[0], vector("9"))
    reader.refresh()
    assert check(reader) == check(library)
    assert len(late.vectors("mobilenet@1")) == 5
    put(library, "new.jpg", "9.third.jpg")
    assert len(check(library)) == 8
    library.close()
    with Library(home, writable=True) as again:
        assert len(check(again)) == 8
        assert again.problems == []


def test_who_reads_while_rows_are_renumbered_reads_on(home, library, monkeypatch):
    monkeypatch.setattr("photofind.library.embedded.store.BLOCK", 2)
    photos = put(library, *(f"{number}.jpg" for number in range(8)))
    reader = Library(home)
    scan = reader.scan("mobilenet@1")
    scanned = [next(scan)]
    library.remove(photos[:4])
    assert library.reclaim()
    reader.refresh()
    assert check(reader) == check(library)
    scanned += scan
    assert [content for contents, _ in scanned for content in contents] == [*"01234567"]
    for contents, vectors in scanned:
        assert np.array_equal(vectors, [vector(content) for content in contents])
    scan = library.scan("mobilenet@1")
    scanned = [next(scan)]
    library.remove(photos[6:7])
    assert [content for contents, _ in scan for content in contents] == ["7"]


def test_removed_contents_are_known_until_they_are_reclaimed(library):
    photos = put(library, *(f"{number}.jpg" for number in range(10)), "0.copy.jpg")
    library.remove(photos[:4])
    known, vectors = library.embeddings("mobilenet@1", ["0", "1", "9", "none"])
    assert known.tolist() == [True, True, True, False]
    assert np.array_equal(vectors[:3], [vector("0"), vector("1"), vector("9")])
    library.commit([replace(photos[1], path="/elsewhere.jpg")])
    assert library.photo("/elsewhere.jpg").spaces == ()
    assert library.reclaim()
    known, _ = library.embeddings("mobilenet@1", ["0", "1", "9"])
    assert known.tolist() == [True, False, True]


def test_the_contents_removed_first_are_forgotten_first():
    removed = RemovedContents(most=2)
    for number, content in enumerate("abac"):
        removed.add(content, {"mobilenet@1": number, "other@1": 9})
    assert [removed.row("mobilenet@1", content) for content in "abc"] == [2, -1, 3]
    removed.forget_space("mobilenet@1")
    assert removed.row("mobilenet@1", "a") == -1
    assert removed.row("other@1", "a") == 9


def test_reclaim_shortens_the_journal(home, library, monkeypatch):
    monkeypatch.setattr("photofind.library.embedded.upkeep.SMALL", 0)
    (photo,) = put(library, "a.jpg")
    for size in range(50):
        library.commit([replace(photo, size=size)])
    size = home.catalog.stat().st_size
    assert library.reclaim()
    assert home.catalog.stat().st_size < size / 10
    assert not library.reclaim()
    assert library.photo(photo.path).size == 49


def test_reclaim_that_fails_changes_nothing(home, library, monkeypatch):
    photos = put(library, "a.jpg", "b.jpg", "c.jpg")
    library.remove(photos[:1])

    def refuse(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("photofind.library.embedded.journal.write_atomically", refuse)
        with pytest.raises(LibraryError, match="is full"):
            library.reclaim()
    assert check(library) == ["/photos/b.jpg", "/photos/c.jpg"]
    assert [path.name for path in library.space_folder("mobilenet@1").iterdir()] == ["vectors-1"]
    put(library, "d.jpg")
    assert library.reclaim()
    assert check(library) == check(Library(home))


# Damage.


def test_disk_full_while_writing_vectors(home, library, monkeypatch):
    put(library, "a.jpg")
    before = home.catalog.read_bytes(), vectors_file(library).read_bytes()

    def refuse(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(vectors_module, "sync_file", refuse)
        with pytest.raises(LibraryError, match="is full; free some space"):
            put(library, "b.jpg")
    assert (home.catalog.read_bytes(), vectors_file(library).read_bytes()) == before
    assert check(library) == ["/photos/a.jpg"]
    put(library, "b.jpg")
    assert check(library) == ["/photos/a.jpg", "/photos/b.jpg"]


def test_a_row_is_not_given_twice_though_no_commit_knows_it(home, library):
    put(library, "a.jpg")
    library.vectors("mobilenet@1").append(np.ones((5, DIMENSION), np.float32), [1] * 5)
    library.close()
    with Library(home, writable=True) as again:
        put(again, "b.jpg")
        assert again.space("mobilenet@1").rows == 7
        assert check(again) == ["/photos/a.jpg", "/photos/b.jpg"]


@pytest.mark.parametrize("left", [3, 0, None], ids=["cut", "empty", "gone"])
def test_missing_vectors_are_made_again(home, library, left):
    names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    put(library, *names)
    path = vectors_file(library)
    library.close()
    if left is None:
        path.unlink()
    else:
        os.truncate(path, left and 64 + left * (2 * DIMENSION + 4) + 5)
    left = left or 0

    reader = Library(home)
    assert len(reader.vectors("mobilenet@1")) == left
    assert "is damaged" in reader.problems[0]
    with pytest.raises(DamagedError, match=f"only {left} of 5"):
        reader.vectors("mobilenet@1").rows([4])

    with Library(home, writable=True) as again:
        assert f"{5 - left} photos" in again.problems[-1]
        assert len(check(again)) == 5
        assert sum("mobilenet@1" in photo.spaces for photo in again.select()) == left
        put(again, *names)
        assert all("mobilenet@1" in photo.spaces for photo in again.select())
        check(again)
    with Library(home, writable=True) as again:
        assert again.problems == []
        check(again)


def test_bits_that_flip_in_the_vectors_are_found(home, library):
    put(library, "a.jpg", "b.jpg", "b.copy.jpg", "c.jpg")
    path = vectors_file(library)
    data = bytearray(path.read_bytes())
    data[64 + 1 * (2 * DIMENSION + 4) + 3] ^= 4
    path.write_bytes(data)
    library.close()
    with Library(home, writable=True) as again:
        assert again.verify() == 2
        assert again.live_rows("mobilenet@1").tolist() == [0, 2]
        put(again, "b.jpg")
        assert {tuple(again.rows(photo).values()) for photo in again.select()} == {(0,), (3,), (2,)}
        assert again.verify() == 0
        check(again)


def test_rows_that_an_older_catalog_gave_to_others_are_found(home, library):
    put(library, "a.jpg", "b.jpg")
    older = home.catalog.read_bytes()
    size = vectors_file(library).stat().st_size
    put(library, "c.jpg", "d.jpg")
    newer = home.catalog.read_bytes()
    path = vectors_file(library)
    library.close()
    home.catalog.write_bytes(older)
    os.truncate(path, size)
    with Library(home, writable=True) as again:
        put(again, "e.jpg", "f.jpg")
    home.catalog.write_bytes(newer)
    with Library(home, writable=True) as again:
        assert again.verify() == 2
        assert {photo.path for photo in again.select() if not photo.spaces} == {
            "/photos/c.jpg",
            "/photos/d.jpg",
        }
        put(again, "c.jpg", "d.jpg")
        assert again.verify() == 0
        check(again)


def test_an_older_catalog_gives_no_row_of_a_newer_one_to_others(home, library):
    put(library, "a.jpg", "b.jpg")
    older = home.catalog.read_bytes()
    put(library, "c.jpg", "d.jpg")
    library.close()
    home.catalog.write_bytes(older)
    with Library(home, writable=True) as again:
        put(again, "e.jpg")
        assert again.rows(again.photo("/photos/e.jpg")) == {"mobilenet@1": 4}
        check(again)


def test_vectors_of_the_first_version_stay_usable(home, library):
    photos = put(library, "a.jpg", "b.jpg")
    path = vectors_file(library)
    library.close()
    header = b"photofind vectors 1 %d" % DIMENSION
    halves = [vector(photo.content).astype("<f2").tobytes() for photo in photos]
    rows = b"".join(half + zlib.crc32(half).to_bytes(4, "little") for half in halves)
    path.write_bytes(header.ljust(63) + b"\n" + rows)
    with Library(home, writable=True) as again:
        assert again.verify() == 0
        put(again, "c.jpg")
        assert again.verify() == 0
        check(again)
    assert path.read_bytes().startswith(b"photofind vectors 2 ")
    assert check(Library(home)) == ["/photos/a.jpg", "/photos/b.jpg", "/photos/c.jpg"]


def test_header_of_the_vectors_is_mended(home, library):
    put(library, "a.jpg")
    path = vectors_file(library)
    before = path.read_bytes()
    path.write_bytes(bytes(64) + before[64:])
    library.close()
    with Library(home, writable=True) as again:
        assert again.problems == [f"{path} is damaged"]
        assert check(again) == ["/photos/a.jpg"]
    assert path.read_bytes() == before


def test_newer_vectors_are_refused(home, library):
    put(library, "a.jpg")
    path = vectors_file(library)
    path.write_bytes(path.read_bytes().replace(b"vectors 2", b"vectors 3"))
    library.close()
    with pytest.raises(NewerFormatError):
        Library(home, writable=True)
    with pytest.raises(NewerFormatError):
        Library(home).vectors("mobilenet@1")


def test_a_space_without_vectors_is_whole(library):
    none = np.zeros(0, np.uint32)
    assert library.vectors(library.open_space("other", "1", 8).id).damaged(none).size == 0
    assert library.verify() == 0


def test_damaged_catalog_never_gives_a_row_twice(home, library):
    for name in "abcd":
        put(library, f"{name}.jpg")
    revision = library.version
    library.close()
    data = home.catalog.read_bytes()
    home.catalog.write_bytes(data[:-2] + b"0\n" if data[-2:-1] != b"0" else data[:-2] + b"1\n")
    with Library(home, writable=True) as again:
        assert "damaged" in again.problems[0]
        assert check(again) == ["/photos/a.jpg", "/photos/b.jpg", "/photos/c.jpg"]
        assert again.version > revision
        put(again, "e.jpg")
        assert again.rows(again.photo("/photos/e.jpg")) == {"mobilenet@1": 4}
        check(again)


def test_lost_catalog_begins_another_generation(home, library):
    put(library, "a.jpg")
    library.close()
    home.catalog.unlink()
    with Library(home, writable=True) as again:
        again.open_space("mobilenet", "1", DIMENSION)
        assert again.space("mobilenet@1").generation == 2
        put(again, "a.jpg")
        check(again)


def test_leftovers_of_a_crash_are_removed(home, library):
    put(library, "a.jpg")
    folder = library.space_folder("mobilenet@1")
    library.close()
    leftovers = [folder / "vectors-2", folder / ".vectors-2.77.new", home.root / ".catalog.77.new"]
    for leftover in leftovers:
        leftover.write_bytes(b"half")
    (folder / "index").mkdir()
    with Library(home, writable=True) as again:
        check(again)
    assert not any(leftover.exists() for leftover in leftovers)
    assert (folder / "index").exists()


def test_a_missing_file_holds_no_vectors(tmp_path):
    vectors = Vectors(tmp_path / "vectors-1", 4, 0)
    assert (len(vectors), vectors.is_whole) == (0, True)
    assert vectors.rows([]).shape == (0, 4)
    assert list(vectors.blocks()) == []
