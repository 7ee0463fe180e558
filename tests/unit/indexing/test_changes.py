from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from photofind.indexing.changes import compare
from photofind.indexing.scan import Found
from photofind.model.records import Photo


def complete(photo: Photo) -> bool:
    return "s" in photo.spaces


def photo(path: str, size: int = 1, modified: int = 1, inode: int = 1, **more) -> Photo:
    return Photo(path, size, modified, inode, content=f"{size}", spaces=("s",), **more)


def test_a_photo_is_unchanged_where_its_file_is():
    changes = compare([Found("/a", 1, 1, 1)], [photo("/a")], complete)
    assert (changes.unchanged, changes.unread, changes.gone) == (1, [], [])


def test_size_time_and_sidecar_each_make_a_photo_changed():
    for file in (Found("/a", 2, 1, 1), Found("/a", 1, 2, 1), Found("/a", 1, 1, 1, sidecar=5)):
        changes = compare([file], [photo("/a")], complete)
        assert (changes.unread, changes.gone) == ([file], [])


def test_another_time_of_the_status_has_a_file_read():
    """Its content may have been replaced under the old size and time."""
    known = photo("/a", changed=1)
    for file in (Found("/a", 1, 1, 1, changed=2), Found("/a", 1, 1, 2, changed=2)):
        assert compare([file], [known], complete).unread == [file]


def test_a_time_of_the_status_that_was_not_known_is_adopted():
    changes = compare([Found("/a", 1, 1, 1, changed=2)], [photo("/a")], complete)
    assert changes.renumbered == [photo("/a", changed=2)]
    assert changes.unread == []


def test_another_time_of_the_status_of_a_sidecar_has_the_photo_read():
    """What it says may have been replaced under the old time."""
    known = photo("/a", sidecar=5, changed=1, sidecar_changed=6)
    file = Found("/a", 1, 1, 1, sidecar=5, changed=1, sidecar_changed=7)
    assert compare([file], [known], complete).unread == [file]
    moved = Found("/b", 1, 1, 1, sidecar=5, changed=2, sidecar_changed=7)
    assert compare([moved], [known], complete).moved == [
        replace(known, path="/b", changed=2, sidecar_changed=7)
    ]


def test_a_time_of_the_status_of_a_sidecar_that_was_not_known_is_adopted():
    known = photo("/a", sidecar=5, changed=1)
    file = Found("/a", 1, 1, 1, sidecar=5, changed=1, sidecar_changed=7)
    changes = compare([file], [known], complete)
    assert changes.renumbered == [replace(known, sidecar_changed=7)]
    assert changes.unread == []


def test_a_file_that_tells_no_time_of_its_status_is_unchanged():
    changes = compare([Found("/a", 1, 1, 1)], [photo("/a", changed=2)], complete)
    assert (changes.unchanged, changes.renumbered, changes.unread) == (1, [], [])


def test_a_rename_that_changes_the_time_of_the_status_needs_no_reading():
    known = photo("/a", changed=1)
    changes = compare([Found("/b", 1, 1, 1, changed=2)], [known], complete)
    assert changes.moved == [replace(known, path="/b", changed=2)]
    assert changes.unread == []


def test_a_file_that_was_seen_to_be_written_is_read():
    """Also where no time tells it: on some file systems no time but that of the content is kept."""
    file = Found("/a", 1, 1, 1, changed=1)
    assert compare([file], [photo("/a", changed=1)], complete, {"/a"}).unread == [file]


def test_a_rename_is_seen_without_reading():
    known = photo("/a", id=7)
    changes = compare([Found("/b", 1, 1, 1)], [known], complete)
    assert changes.moved == [replace(known, path="/b")]
    assert (changes.unread, changes.gone) == ([], [])


def test_two_files_that_swap_their_names_are_two_moves():
    a, b = photo("/a", size=1, inode=1, id=1), photo("/b", size=2, inode=2, id=2)
    changes = compare([Found("/a", 2, 1, 2), Found("/b", 1, 1, 1)], [a, b], complete)
    assert sorted(moved.id for moved in changes.moved) == [1, 2]
    assert {moved.path: moved.size for moved in changes.moved} == {"/a": 2, "/b": 1}
    assert (changes.unread, changes.gone) == ([], [])


def test_a_file_that_takes_the_place_of_another_keeps_its_record():
    a, b = photo("/a", size=1, inode=1, id=1), photo("/b", size=2, inode=2, id=2)
    changes = compare([Found("/a", 2, 1, 2)], [a, b], complete)
    assert changes.moved == [replace(b, path="/a")]
    assert changes.gone == []


def test_a_file_whose_old_name_is_in_use_again_keeps_its_record():
    old = photo("/a", size=1, inode=1)
    new = Found("/a", 9, 9, 9)
    changes = compare([new, Found("/b", 1, 1, 1)], [old], complete)
    assert changes.moved == [replace(old, path="/b")]
    assert changes.unread == [new]


def test_a_copy_is_no_move():
    copy = Found("/b", 1, 1, 2)
    changes = compare([Found("/a", 1, 1, 1), copy], [photo("/a")], complete)
    assert (changes.unchanged, changes.moved, changes.unread) == (1, [], [copy])


def test_an_inode_alone_does_not_prove_a_move():
    recycled = Found("/b", 5, 5, 1)
    changes = compare([recycled], [photo("/a")], complete)
    assert (changes.moved, changes.unread) == ([], [recycled])
    assert [gone.path for gone in changes.gone] == ["/a"]


def test_files_that_cannot_be_told_apart_are_read():
    """As on a FAT card: same size, same two seconds, and inodes dealt anew at each mount."""
    known = [photo("/1", inode=1), photo("/2", inode=2)]
    moved = [Found("/3", 1, 1, 2), Found("/4", 1, 1, 1)]
    assert compare(moved, known, complete).unread == moved
    swapped = [Found("/1", 1, 1, 2), Found("/2", 1, 1, 1)]
    assert compare(swapped, known, complete).unread == swapped


def test_a_remount_that_numbers_files_anew_needs_no_reading():
    known = [photo("/1", modified=1, inode=1), photo("/2", modified=2, inode=2)]
    found = [Found("/1", 1, 1, 2), Found("/2", 1, 2, 1)]
    changes = compare(found, known, complete)
    assert changes.renumbered == [replace(known[0], inode=2), replace(known[1], inode=1)]
    assert changes.unread == []


def test_without_inodes_a_move_is_left_to_the_content():
    file = Found("/b", 1, 1, 0)
    assert compare([file], [photo("/a", inode=0)], complete).unread == [file]


def test_a_photo_that_is_not_in_the_space_is_read_wherever_it_is():
    known = replace(photo("/a"), spaces=())
    for file in (Found("/a", 1, 1, 1), Found("/b", 1, 1, 1)):
        assert compare([file], [known], complete).unread == [file]


def test_the_newest_come_first():
    files = [Found("/old", 1, 1, 1), Found("/new", 1, 3, 2), Found("/mid", 1, 2, 3)]
    assert [file.path for file in compare(files, [], complete).unread] == ["/new", "/mid", "/old"]


stamps = st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(0, 4))
sides = st.dictionaries(st.sampled_from("abcdef"), stamps, max_size=6)


@given(found=sides, known=sides, incomplete=st.sets(st.sampled_from("abcdef")))
def test_every_file_and_every_photo_is_accounted_for_once(found, known, incomplete):
    files = [Found(path, *stamp) for path, stamp in found.items()]
    photos = [
        Photo(path, *stamp, spaces=() if path in incomplete else {"s": 1}, id=number)
        for number, (path, stamp) in enumerate(known.items(), 1)
    ]
    changes = compare(files, photos, complete)

    updated = [*changes.moved, *changes.renumbered]
    settled = [*(photo.path for photo in updated), *(file.path for file in changes.unread)]
    assert len(settled) == len(set(settled))
    assert changes.unchanged == len(found) - len(settled)
    assert set(settled) <= set(found)
    # What is updated is what is on disk, and each photo is updated once.
    assert all((now.size, now.modified, now.inode) == found[now.path] for now in updated)
    assert len({now.id for now in updated}) == len(updated)
    # What is gone has neither its old path nor another.
    assert {photo.path for photo in changes.gone}.isdisjoint(found)
    assert {photo.id for photo in changes.gone}.isdisjoint(now.id for now in updated)
    # A photo whose path is no longer there is gone or moved.
    lost = {photo.id for photo in photos if photo.path not in found}
    assert lost == {photo.id for photo in changes.gone} | (lost & {now.id for now in changes.moved})
