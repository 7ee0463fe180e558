"""Photos are told apart by their contents."""

from __future__ import annotations

import pytest

from photofind.app.duplicates import forget_apart, tell_apart
from photofind.errors import LibraryError
from photofind.library.memory import MemoryStore
from photofind.model.records import Photo


def test_copies_of_a_photo_are_told_apart_with_it() -> None:
    store = MemoryStore()
    contents = {"/1.jpg": "a", "/2.jpg": "b", "/2 again.jpg": "b"}
    first, second, again = (
        photo.id for photo in store.commit([Photo(*one) for one in photos(contents)])
    )
    assert tell_apart(store, second, [first, again]) == [("a", "b")]
    assert tell_apart(store, again, [first]) == []
    with pytest.raises(LibraryError, match="identical"):
        tell_apart(store, second, [again])
    assert store.told_apart() == {("a", "b")}
    assert forget_apart(store, ["b:a", "a:c"]) == 1
    assert not store.told_apart()


def photos(contents: dict[str, str]) -> list[tuple[str, int, int, int, str]]:
    return [(path, 1, 1, 1, content) for path, content in contents.items()]
