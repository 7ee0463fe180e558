"""Kinds of words come back from their texts, and are listed as the index of tags lists them."""

from __future__ import annotations

from photofind.library.kinds import found_kinds, kind_of, kinds_of, listed_kinds, tag_counts
from photofind.library.tags import TagIndex
from photofind.model.records import Photo

PHOTOS = [
    Photo("/a", id=1, tags={"m@1": {"beagle": 0.9, "seashore": 0.3}}, keywords=("Rex",)),
    Photo("/b", id=2, tags={"m@1": {"beagle": 0.25}, "k@2": {"Beagle": 0.8}}),
    Photo("/c", id=3, keywords=("beagle", "caf\udce9")),
    Photo("/d", id=4, tags={"m@1": {"no word of WordNet": 0.2}}),
]


def test_kinds_are_counted_as_the_index_of_tags_counts() -> None:
    numbers: dict[str, int] = {}
    carried = [
        {numbers.setdefault(text, len(numbers)) for text, _ in kinds_of(photo)} for photo in PHOTOS
    ]
    kinds = {number: kind_of(text) for text, number in numbers.items()}
    assert all(text.isascii() for text in numbers)
    assert [kind.text for kind in kinds.values()] == [*numbers]
    listed = listed_kinds(kinds)
    counted = tag_counts(
        kinds, listed, [sum(bool(own & {*group}) for own in carried) for group in listed]
    )
    index = TagIndex()
    for photo in PHOTOS:
        index.add(photo)
    assert counted == index.counts()
    for tag in ("dog", "BEAGLE", "rex", "shore", "caf\udce9", "word"):
        found = {*found_kinds(tag, kinds)}
        passing = {photo.id for photo, own in zip(PHOTOS, carried, strict=True) if own & found}
        assert passing == index.carriers([tag]), tag
