"""Extractors, good and bad, that tests find as a user's are found: through entry points.

The folder of this file is put on the path.
"""

import os
import signal
import time

import numpy as np

print("plugins print when they are imported")

MAGENTA, CYAN, YELLOW = (255, 0, 255), (0, 255, 255), (255, 255, 0)


def holds(colours, colour):
    """Whether one of the colours is this one, as exactly as JPEG keeps it."""
    return (np.abs(colours - colour) < 8).all(axis=1).any()


class Colour:
    """Describes a picture by its mean colour; magenta crashes it, cyan hangs it."""

    name = "mean-colour"
    version = "1"
    protocol = 1
    input_size = (4, 6)
    dimension = 3
    threads = 0

    def embed(self, images):
        print("plugins print when they embed", flush=True)
        os.write(1, b"and below Python too\n")
        colours = images.mean(axis=(1, 2)).astype(np.float32)
        if holds(colours, MAGENTA):
            os.kill(os.getpid(), signal.SIGSEGV)
        if holds(colours, CYAN):
            time.sleep(600)
        if holds(colours, YELLOW):
            colours[:] = np.nan
        return colours


class Raising(Colour):
    name = "raising"

    def embed(self, images):
        raise ValueError("no network\nfor this")


class Crashing(Colour):
    name = "crashing"

    def embed(self, images):
        os.kill(os.getpid(), signal.SIGSEGV)


class NotFinite(Colour):
    name = "not-finite"

    def embed(self, images):
        return np.full((len(images), 3), np.inf, np.float32)


class WrongShape(Colour):
    name = "wrong-shape"

    def embed(self, images):
        return np.ones((len(images), 5), np.float32)


class WrongType(Colour):
    name = "wrong-type"

    def embed(self, images):
        return np.ones((len(images), 3))


class NotAnArray(Colour):
    name = "not-an-array"

    def embed(self, images):
        return [[1.0, 2.0, 3.0]] * len(images)


class Newer(Colour):
    name = "newer"
    protocol = 3


class Misnamed(Colour):
    name = "somebody else"


class Unversioned(Colour):
    name = "unversioned"
    version = 1


class Sizeless(Colour):
    name = "sizeless"
    input_size = (224,)


class Flat(Colour):
    name = "flat"
    dimension = 0


class Mute(Colour):
    name = "mute"
    embed = None


class Hanging(Colour):
    name = "hanging"

    def __init__(self):
        time.sleep(600)


class Stuck(Colour):
    """Hangs with every photo, not with the grey of the first trial."""

    name = "stuck"

    def embed(self, images):
        colours = images.mean(axis=(1, 2)).astype(np.float32)
        while (np.abs(colours - 128) > 1).any():
            time.sleep(0.1)
        return colours


class Leaking(Colour):
    """Holds on to 30 MB more for each batch that it embeds."""

    name = "leaking"
    leaked = []  # noqa: RUF012

    def embed(self, images):
        if len(images) > 1:
            self.leaked.append(np.ones(30_000_000, np.uint8))
            time.sleep(0.1)
        return super().embed(images)


class Able(Colour):
    """Has every ability there is."""

    name = "able"
    engine = "NumPy"

    def embed_text(self, texts):
        return np.array([[len(text), 1, 0] for text in texts], np.float32)

    def tags(self, images):
        red = images[..., 0].mean(axis=(1, 2)) / 255
        return [[("red", share)] if share > 0.5 else [] for share in red]

    def feature_map(self, images):
        return images.astype(np.float32) + 1


class Naming(Colour):
    """Names the things that have a colour, the surer the more of it there is."""

    name = "naming"

    def tags(self, images):
        things = ("red dog", "green grass", "blue sky")
        named = []
        for shares in images.mean(axis=(1, 2)) / 255:
            pairs = [(thing, float(share)) for thing, share in zip(things, shares, strict=True)]
            named.append(sorted(pairs, key=lambda pair: -pair[1]))
        return named


class Describing(Naming):
    """Embeds and tags in one call, in small batches, on something that loads slowly."""

    name = "describing"
    protocol = 2
    batch_size = 3
    device = "gpu"
    idle_seconds = 900

    def embed(self, images):
        if len(images) > self.batch_size:
            raise ValueError(f"{len(images)} pictures are too many")
        return super().embed(images)

    def describe(self, images):
        # That it was this call can be told by the other tags.
        tags = [[(f"one {thing}", sure) for thing, sure in one] for one in super().tags(images)]
        return self.embed(images), tags


class Panorama(Colour):
    """Describes a picture by its mean colour without its borders, and by its proportions."""

    name = "panorama"
    protocol = 2
    aspect = "native"
    input_size = (8, 8)
    dimension = 4

    def embed(self, images, sizes):
        vectors = np.empty((len(images), 4), np.float32)
        for vector, image, (height, width) in zip(vectors, images, sizes.tolist(), strict=True):
            scale = min(8 / height, 8 / width)
            rows, columns = (max(round(side * scale), 1) for side in (height, width))
            picture = image[:rows, :columns]
            assert not image[len(picture) :].any()
            vector[:3] = picture.mean(axis=(0, 1)) / 255
            vector[3] = width / height
        return vectors


class ColourWords(Colour):
    """Embeds pictures by their mean colour, and the names of colours near them."""

    name = "colour-words"
    protocol = 2
    input_size = (8, 8)
    dimension = 4
    words = {  # noqa: RUF012
        "red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "yellow": (1, 1, 0),
        "purple": (1, 0, 1), "black": (0, 0, 0), "white": (1, 1, 1),
    }  # fmt: skip

    def embed(self, images):
        colours = images.mean(axis=(1, 2)).astype(np.float32) / 255
        return np.concatenate([colours, np.full((len(images), 1), 0.1, np.float32)], axis=1)

    def embed_text(self, texts):
        # As with networks, texts are not where pictures are: the last number is another.
        vectors = np.zeros((len(texts), 4), np.float32)
        vectors[:, 3] = -0.5
        for vector, text in zip(vectors, texts, strict=True):
            for word in text.lower().split():
                vector[:3] += self.words.get(word, (0, 0, 0))
        return vectors


class Boasting(Colour):
    """Has every ability there is, and keeps none of their contracts."""

    name = "boasting"

    def embed_text(self, texts):
        return np.full((len(texts), 3), np.nan, np.float32)

    def tags(self, images):
        return [[("blue", 0.1), ("red", 0.9)]] * len(images)

    def feature_map(self, images):
        return np.ones((len(images), 3), np.float32)


class Derived:
    """Mean colours with the red left out."""

    name = "derived"
    version = "2"
    protocol = 1
    dimension = 2
    derives_from = "mean-colour"

    def embed_embeddings(self, embeddings):
        return np.ascontiguousarray(embeddings[:, 1:])


class DerivedFromBoth(Derived):
    name = "derived-from-both"
    dimension = 5
    derives_from = ("mean-colour", "able")

    def embed_embeddings(self, colours, others):
        return np.concatenate([colours[:, 1:], others], axis=1)


class DerivedFromOld(Derived):
    name = "derived-from-old"
    derives_from = "mean-colour@0"


class DerivedTwice(Derived):
    name = "derived-twice"
    derives_from = ("derived",)


class DerivedFromNothing(Derived):
    name = "derived-from-nothing"
    derives_from = "gone"


class Headless(Derived):
    name = "headless"
    embed_embeddings = None


class DerivedFromItself(Derived):
    name = "derived-from-itself"
    derives_from = "derived-from-itself"


class DerivedWrongly(Derived):
    name = "derived-wrongly"

    def embed_embeddings(self, embeddings):
        return embeddings @ np.zeros((1280, 2), np.float32)
