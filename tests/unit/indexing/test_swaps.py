"""Another card at the same place is another set: the photos of the first are kept as they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from simulated import SPACE, SimulatedExtraction, add, photo_at, run

from photofind.indexing import full_scan, partial_check
from photofind.indexing.partial_check import partial_check as check
from photofind.library.memory import MemoryStore
from photofind.model.filters import Filter
from photofind.system.volumes import Volume

HOUR = 3600 * 10**9


class Slot:
    """A place at which cards are mounted: folders that are moved to it."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = place
        self.volume: Volume | None = None
        self._cards = place.parent / "cards"
        self._card: Path | None = None
        place.mkdir()
        monkeypatch.setattr(full_scan, "mounts", self._mounts)
        for module in (full_scan, partial_check):
            monkeypatch.setattr(module, "volumes_at", self._volumes_at)

    def card(self, name: str, *contents: str) -> Path:
        """Make a card with photos of the same names as on every other one."""
        card = self._cards / name
        card.mkdir(parents=True)
        for number, content in enumerate(contents):
            (card / f"IMG_{number:04}.jpg").write_bytes(content.encode())
        return card

    def mount(self, card: Path, identity: str = "", *, is_fat: bool = False) -> None:
        """Have a card mounted instead of the one that is."""
        self.unmount()
        self.place.rmdir()
        shutil.move(card, self.place)
        self._card = card
        self.volume = Volume(identity, shifts_times=is_fat)

    def unmount(self) -> None:
        if self._card is not None:
            shutil.move(self.place, self._card)
            self.place.mkdir()
        self._card = self.volume = None

    def _mounts(self) -> frozenset[str]:
        return frozenset({"/", str(self.place)} if self.volume else {"/"})

    def _volumes_at(self, mounts: Iterable[str]) -> dict[str, Volume]:
        here = {"/": Volume("root", is_lasting=False), str(self.place): self.volume}
        return {one: here[one] for one in mounts if here.get(one)}


@pytest.fixture
def slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slot:
    return Slot(tmp_path / "slot", monkeypatch)


@pytest.fixture
def library(slot: Slot) -> MemoryStore:
    library = MemoryStore()
    add(library, slot.place)
    return library


def index(library: MemoryStore) -> list[str]:
    """Index, and return the names of the files that were read."""
    extraction = SimulatedExtraction()
    run(library, extraction)
    return [Path(path).name for path in extraction.read]


def there(library: MemoryStore) -> dict[str, str]:
    """Return the contents, as their embeddings, of the photos that are there, by their names."""
    return {Path(one.path).name: one.content for one in library.select() if one.away is None}


def away(library: MemoryStore) -> int:
    return sum(one.away is not None for one in library.select())


@pytest.mark.parametrize("identities", [("one", "two"), ("one", ""), ("", "two"), ("", "")])
def test_another_card_is_another_set(library, slot, identities) -> None:
    first = slot.card("first", *(f"a{number}" for number in range(30)))
    second = slot.card("second", *(f"bb{number}" for number in range(40)))
    slot.mount(first, identities[0])
    assert len(index(library)) == 30
    before = {one.path: one for one in library.select()}
    slot.mount(second, identities[1])
    assert len(index(library)) == 40
    assert (away(library), len(there(library)), library.folders()[0].state) == (30, 40, "online")
    slot.mount(first, identities[0])
    assert index(library) == []
    assert {one.path: one for one in library.select() if one.away is None} == before
    assert away(library) == 40
    slot.mount(second, identities[1])
    assert index(library) == []
    assert (away(library), len(there(library))) == (30, 40)


def test_few_photos_of_a_card_are_kept_too(library, slot) -> None:
    slot.mount(slot.card("first", "a", "b"), "one")
    index(library)
    slot.mount(slot.card("second", "cc"), "two")
    index(library)
    known = photo_at(library, slot.place / "IMG_0000.jpg")
    assert (away(library), known.size) == (2, 2)
    assert library.space_counts(SPACE).contents == 3


def test_an_empty_card_loses_nothing(library, slot) -> None:
    first = slot.card("first", "a", "b")
    slot.mount(first, "one")
    index(library)
    slot.mount(slot.card("second"), "two")
    index(library)
    assert (away(library), there(library)) == (2, {})
    slot.unmount()
    index(library)
    slot.mount(first, "one")
    assert index(library) == []
    assert (away(library), len(there(library))) == (0, 2)


def test_a_copy_of_a_drive_is_the_same_set(library, slot) -> None:
    slot.mount(slot.card("first", "a", "b", "c"), "one")
    index(library)
    slot.volume = Volume("its copy")
    (slot.place / "IMG_0002.jpg").unlink()
    assert index(library) == []
    assert (away(library), len(there(library))) == (0, 2)
    assert library.folders()[0].volumes[str(slot.place)] == "its copy"


def test_what_is_gone_from_a_card_is_gone(library, slot) -> None:
    first = slot.card("first", "a", "b", "c")
    slot.mount(first, "one")
    index(library)
    slot.mount(slot.card("second", "dd"), "two")
    index(library)
    (first / "IMG_0000.jpg").unlink()
    (first / "IMG_0001.jpg").write_bytes(b"other")
    slot.mount(first, "one")
    assert index(library) == ["IMG_0001.jpg"]
    assert sorted(there(library)) == ["IMG_0001.jpg", "IMG_0002.jpg"]


def test_removals_are_accepted_of_other_cards_too(library, slot) -> None:
    slot.mount(slot.card("first", "a", "b"), "one")
    index(library)
    slot.mount(slot.card("second", "cc"), "two")
    assert run(library, SimulatedExtraction()).kept == 2
    report = run(library, SimulatedExtraction(), accept_removals=True)
    assert (report.removed, report.kept, away(library)) == (2, 0, 0)


def test_photos_of_other_cards_are_left_alone_until_they_are_back(library, slot) -> None:
    """They are not tried again, nor embedded by other extractors: their paths are of others."""
    first = slot.card("first", "a", "b")
    slot.mount(first, "one")
    extraction = SimulatedExtraction(unreadable={str(slot.place / "IMG_0000.jpg")})
    run(library, extraction)
    slot.mount(slot.card("second", "cc"), "two")
    index(library)
    other = SimulatedExtraction(name="other")
    run(library, SimulatedExtraction(), other, retry_failed=True)
    assert other.read == [str(slot.place / "IMG_0000.jpg")]
    slot.mount(first, "one")
    assert index(library) == ["IMG_0000.jpg"]
    assert library.count(Filter(failed=True)) == 0


def test_a_check_of_places_waits_until_it_is_known_which_card_is_there(library, slot) -> None:
    slot.mount(slot.card("first", "a"), "one")
    index(library)
    slot.mount(slot.card("second", "bb"), "two")
    seen = check(library, [str(slot.place / "IMG_0000.jpg")], lambda photo: True)
    assert (seen.to_scan, seen.changes.unread) == ({str(slot.place)}, [])


def test_a_scan_that_was_cut_short_is_made_up_for(library, slot) -> None:
    """It had told the photos, not the folder, which card is there."""
    first = slot.card("first", "a", "b")
    slot.mount(first, "one")
    index(library)
    folder = library.folders()[0]
    slot.mount(slot.card("second", "cc"), "two")
    index(library)
    library.put_folder(folder)
    slot.mount(first, "one")
    assert index(library) == []
    assert len(there(library)) == 2


# File systems that number files anew, and shift times.


def renew(card: Path, *, shift: int = 0) -> None:
    """Give all files other inodes, in another order, and other times."""
    files = sorted(card.iterdir())
    new = [file.rename(file.with_suffix(".old")) for file in files]
    for old, file in zip(new, files, strict=True):
        status = old.stat()
        shutil.copy(old, file)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + shift))
    for old in new:
        old.unlink()


def same_times(card: Path) -> None:
    for file in card.iterdir():
        os.utime(file, ns=(10**18, 10**18))


@pytest.mark.parametrize(("identity", "is_fat"), [("", False), ("one", True)])
def test_numbers_that_are_given_anew_mean_nothing(library, slot, identity, is_fat) -> None:
    """Shots of a burst have the same size and time; each may have the number of another now."""
    card = slot.card("card", *"abcdef", "longer", "and longer")
    same_times(card)
    slot.mount(card, identity, is_fat=is_fat)
    index(library)
    before = there(library)
    slot.unmount()
    renew(card)
    numbers = [photo.inode for photo in library.select()]
    slot.mount(card, identity, is_fat=is_fat)
    assert index(library) == []
    assert there(library) == before
    assert [photo.inode for photo in library.select()] != numbers


def test_photos_that_were_all_replaced_under_their_old_times_are_read(library, slot) -> None:
    """The file system is that of the last scan: its numbers are not given anew."""
    card = slot.card("card", *"abcdef")
    slot.mount(card, "one")
    index(library)
    slot.unmount()
    renew(card)
    slot.mount(card, "one")
    assert len(index(library)) == 6
    assert index(library) == []


def test_times_of_the_status_that_shifted_all_alike_mean_nothing(library, slot) -> None:
    slot.mount(slot.card("card", *"abcdef"), "one")
    index(library)
    (first, *_) = library.select()
    Path(first.path).with_suffix(".xmp").write_text("<xmp/>")
    index(library)
    photos = sorted(library.select(), key=lambda photo: photo.sidecar is None)
    shifted = [replace(photo, changed=photo.changed - HOUR) for photo in photos]
    shifted[0] = replace(shifted[0], sidecar_changed=photos[0].sidecar_changed - HOUR)
    library.commit([*shifted[:5], replace(shifted[5], changed=shifted[5].changed - 1)])
    assert index(library) == [Path(photos[5].path).name]
    assert {*library.select()} == {*photos}


@pytest.mark.parametrize("shift", [HOUR, -2 * HOUR, 23 * HOUR + HOUR // 2])
def test_times_that_shift_on_fat_change_nothing(library, slot, shift) -> None:
    card = slot.card("card", *"abcdef")
    same_times(card)
    slot.mount(card, "one", is_fat=True)
    index(library)
    slot.unmount()
    renew(card, shift=shift)
    (card / "IMG_0003.jpg").write_bytes(b"changed")
    (card / "IMG_0009.jpg").write_bytes(b"new")
    slot.mount(card, "one", is_fat=True)
    assert sorted(index(library)) == ["IMG_0003.jpg", "IMG_0009.jpg"]
    assert index(library) == []
    assert photo_at(library, slot.place / "IMG_0000.jpg").modified == 10**18 + shift


@pytest.mark.parametrize(("is_fat", "shift"), [(False, HOUR), (True, HOUR + 1), (True, 30 * HOUR)])
def test_other_times_mean_other_contents(library, slot, is_fat, shift) -> None:
    card = slot.card("card", *"abc")
    same_times(card)
    slot.mount(card, "one", is_fat=is_fat)
    index(library)
    slot.unmount()
    renew(card, shift=shift)
    slot.mount(card, "one", is_fat=is_fat)
    assert len(index(library)) == 3
