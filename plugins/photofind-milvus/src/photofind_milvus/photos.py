"""Changes of photos: what a commit makes of them, and what goes with their contents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from photofind.library.store import Array32
from photofind.model.filters import Filter
from photofind.model.records import Photo, Tags
from photofind_milvus.changing import Change
from photofind_milvus.library import KeptSpace, Library, chunks
from photofind_milvus.rows import Kept

__all__ = ["commit", "rewrite", "said_of"]

_PAGE = 500


def commit(
    library: Library,
    change: Change,
    photos: Sequence[Photo],
    space: KeptSpace | None,
    embeddings: Mapping[str, Array32],
) -> list[Photo]:
    """Put photos into the library, as `Store.commit` says; return them as they will be."""
    batch = {(photo.path, photo.away): photo for photo in photos}
    named = {photo.id for photo in photos if photo.id}
    there = {(one.photo.path, one.photo.away): one for one in library.by_places(batch)}
    before = {one.key: one for one in (*there.values(), *library.by_ids(named))}
    wanted = [*(photo.content for photo in batch.values() if photo.failure is None), *embeddings]
    known = library.by_contents(wanted)
    said = said_of(library, {photo.content for photo in batch.values() if photo.content})
    change.know({content: known.get(content, []) for content in wanted})
    order = [one.space.id for one in library.spaces()]
    kept = []
    for place, photo in batch.items():
        # What is there may itself be moved elsewhere by this batch.
        displaced = there[place].photo.id if place in there else 0
        identifier = photo.id or (0 if displaced in named else displaced) or change.new_id()
        kept.append(replace(photo, id=identifier))
    contents = {photo.content for photo in kept if photo.failure is None and photo.content}
    contents.update(
        content
        for content in embeddings
        if any(one.photo.failure is None for one in known.get(content, ()))
    )
    spaces = {content: _spaces_of(known.get(content, ())) for content in contents}
    tags = {content: _tags_of(known.get(content, ())) for content in contents}
    for photo in kept:
        if photo.failure is None and photo.content:
            tags[photo.content].update(photo.tags)
    new: list[str] = []
    if space is not None:
        new = [c for c in embeddings if c in contents and space.space.id not in spaces[c]]
        change.embed(space, {content: embeddings[content] for content in new})
        for content in new:
            spaces[content].add(space.space.id)
    change.end(before.values())
    stored = [
        _completed(
            photo, order, spaces.get(photo.content, set()), tags.get(photo.content, {}), said
        )
        for photo in kept
    ]
    ids = {photo.id for photo in kept} | {one.photo.id for one in before.values()}
    for photo in stored:
        change.put(photo)
    for content in new:
        for one in known.get(content, ()):
            if one.photo.id not in ids:
                change.replace(
                    one,
                    _completed(one.photo, order, spaces[content], tags[content], None),
                )
    return stored


def said_of(library: Library, contents: Iterable[str]) -> dict[str, dict[str, bool]]:
    """Return what was said of the tags of contents."""
    said: dict[str, dict[str, bool]] = {}
    wanted = set(contents)
    for record in sorted(library.records("tag"), key=lambda one: one.document["made"]):
        if record.subject in wanted:
            value = record.document
            said.setdefault(record.subject, {})[value["name"]] = value["is_right"]
    return said


def rewrite(
    library: Library, change: Change, where: Filter, make: Callable[[Photo], Photo | None]
) -> None:
    """Put all photos that a filter lets pass as ``make`` makes them; None leaves one as it is."""
    for some in chunks(library.select(where), _PAGE):
        for kept in some:
            made = make(kept.photo)
            if made is not None:
                change.replace(kept, made)


def _completed(
    photo: Photo,
    order: Sequence[str],
    spaces: set[str],
    tags: Mapping[str, Tags],
    said: Mapping[str, Mapping[str, bool]] | None,
) -> Photo:
    """Return a photo with the spaces of its content, the tags that go with them, what was said."""
    if said is not None:
        photo = replace(photo, said=said.get(photo.content, {}))
    if photo.failure is not None:
        return replace(photo, spaces=(), tags={})
    there = tuple(one for one in order if one in spaces)
    return replace(
        photo,
        spaces=there,
        tags={one: tags[one] for one in there if tags.get(one)},
        refusals={one: why for one, why in photo.refusals.items() if one not in spaces},
    )


def _spaces_of(several: Iterable[Kept]) -> set[str]:
    return {space for one in several for space in one.photo.spaces}


def _tags_of(several: Iterable[Kept]) -> dict[str, Tags]:
    tags: dict[str, Tags] = {}
    for one in several:
        tags.update(one.photo.tags)
    return tags
