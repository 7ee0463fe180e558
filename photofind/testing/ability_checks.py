"""The checks of what an extractor may do besides embedding; each skips one that cannot.

The docstring of a check is the requirement that is shown to users.
"""

from __future__ import annotations

import unittest

import numpy as np

from photofind.extractors.samples import (
    CAPTIONED,
    PHOTOGRAPHS,
    blanks,
    captioned,
    photographs,
)
from photofind.testing.subject import (
    SAME_DIRECTION,
    TOLERANCE,
    Check,
    Subject,
    able,
    about,
    raw,
    require,
    require_close,
)
from photofind.testing.with_bases import WithBases

__all__ = ["ABILITY_CHECKS"]

_MANY = 2048
_FITTING = 0.9


def check_previews(subject: Subject) -> None:
    """Vectors of smaller pictures, if supported, are nearest to those of the full pictures."""
    size = subject.instance.preview_size
    if size == subject.instance.input_size:
        raise unittest.SkipTest("it has no preview_size")
    vectors = subject.instance.embed(photographs(size))
    nearest = (vectors @ subject.vectors.T).argmax(axis=1)
    require(
        np.array_equal(nearest, np.arange(len(vectors))),
        "the vector of a smaller picture is nearest to that of another picture",
    )
    require_close(subject.instance.embed(subject.pictures), subject.vectors, "after smaller ones")


def check_tags(subject: Subject) -> None:
    """Tags are words with confidences, highest first, and do not depend on the batch."""
    together = able(subject, "tags").tags(subject.pictures)
    alone = subject.instance.tags(subject.pictures[:1])
    require(
        [word for word, _ in together[0]] == [word for word, _ in alone[0]],
        "a picture has other tags in a batch than alone",
    )
    for name, picture in blanks(subject.instance.input_size).items():
        with about(f"of {name}"):
            subject.instance.tags(picture[np.newaxis])


def check_describe(subject: Subject) -> None:
    """Embedding and tagging in one call give the vectors and the tags that two calls give."""
    extractor = able(subject, "tags")
    if not callable(getattr(raw(extractor), "describe", None)):
        raise unittest.SkipTest("it has no describe")
    vectors, tags = extractor.describe(subject.pictures)
    require_close(vectors, subject.vectors, "from describe")
    for name, one, other in zip(
        PHOTOGRAPHS, tags or (), extractor.tags(subject.pictures), strict=True
    ):
        require(
            [word for word, _ in one] == [word for word, _ in other],
            f"describe gives {name} other tags than tags does",
        )


def check_aspect(subject: Subject) -> None:
    """Pictures in their own proportions have vectors, whatever else is in the batch."""
    if not subject.instance.keeps_aspect:
        raise unittest.SkipTest("its pictures are squashed")
    sizes = [(300, 400), (400, 300), (1000, 1000), (30, 3000), (3000, 30), (1, 1), (9, 16), (7, 5)]
    together = subject.instance.embed(subject.pictures, sizes)
    for place, size in enumerate(sizes):
        alone = subject.instance.embed(subject.pictures[place : place + 1], [size])
        require_close(alone, together[place : place + 1], f"alone, of a photo of {size}")


def check_text(subject: Subject) -> None:
    """Texts give finite vectors of the same length as pictures; different texts differ."""
    texts = ["a cat", "a cup of coffee on a table", "", "Ein Foto \N{SNOWFLAKE}"]
    extractor = able(subject, "embed_text")
    vectors = extractor.embed_text(texts)
    require_close(extractor.embed_text(texts[1:2]), vectors[1:2], "of a text alone")
    require(float(vectors[0] @ vectors[1]) < SAME_DIRECTION, "two texts have the same vector")


def check_text_fits(subject: Subject) -> None:
    """A text is nearer to the picture that it describes than to another: of made, simple pictures.

    Nine of ten pairs of a text and another's picture are enough.
    """
    extractor = able(subject, "embed_text")
    texts = [*CAPTIONED]
    cosines = extractor.embed_text(texts) @ extractor.embed(captioned(extractor.input_size)).T
    own = np.diagonal(cosines)[:, np.newaxis]
    others = ~np.eye(len(texts), dtype=np.bool_)
    nearer = own > cosines
    share = float(nearer[others].mean())
    worst = int(nearer.sum(axis=1).argmin())
    other = int(cosines[worst].argmax())
    require(
        share >= _FITTING,
        f"{share:.0%} of texts are nearer to their own picture than to another's: "
        f"{texts[worst]!r} is nearest to {texts[other]!r}",
    )


def check_feature_map(subject: Subject) -> None:
    """A feature map is finite float32 and depends on the picture, not on the batch."""
    maps = able(subject, "feature_map").feature_map(subject.pictures[:2])
    require(not np.array_equal(maps[0], maps[1]), "two pictures have the same feature map")
    alone = subject.instance.feature_map(subject.pictures[1:2])
    require(alone.shape == (1, *maps.shape[1:]), "a picture alone has another shape of map")
    require(
        np.allclose(alone[0], maps[1], rtol=TOLERANCE, atol=TOLERANCE * np.abs(maps).max()),
        "a picture has another feature map in a batch than alone",
    )


def check_derived(subject: Subject) -> None:
    """Stored embeddings, thousands at once and rounded to 16 bits, give nearly the same vectors.

    They are not modified.
    """
    instance = subject.instance
    if not isinstance(instance, WithBases):
        raise unittest.SkipTest("it derives from no other extractor")
    stored = [
        part.astype(np.float16).astype(np.float32) for part in instance.by_base(subject.pictures)
    ]
    given = [np.tile(part, (_MANY // len(part), 1)) for part in stored]
    vectors = instance.embed_embeddings(*given)
    untouched = (
        np.array_equal(part[: len(one)], one) for part, one in zip(given, stored, strict=True)
    )
    require(all(untouched), "it wrote into the embeddings")
    expected = np.tile(subject.vectors, (_MANY // len(subject.vectors), 1))
    cosine = float((vectors * expected).sum(axis=1).min())
    require(cosine >= 0.999, f"stored embeddings give another vector: the cosine is {cosine:.4f}")


ABILITY_CHECKS: tuple[Check, ...] = (
    check_previews,
    check_tags,
    check_describe,
    check_aspect,
    check_text,
    check_text_fits,
    check_feature_map,
    check_derived,
)
