"""What the cosine of a text with a picture means.

Texts and pictures lie apart even where an extractor embeds both into one space: the cosine of a
text with a picture that fits it is far below that of two similar pictures. So words are compared by
a background of their own: the cosines of varied texts with the photos of the library, nearly all of
which are unrelated. A score is 0 at its median, 0.5 four deviations above it, where fewer than one
of 1,000 unrelated pairs come, and 1 at eight.

References
----------
Liang et al., "Mind the Gap: Understanding the Modality Gap in Multi-modal Contrastive
Representation Learning", NeurIPS 2022.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from photofind.ranking.calibration import SIGNIFICANT, Background

__all__ = ["VARIED_TEXTS", "WORDS_WEIGHT", "standings_of_texts"]

WORDS_WEIGHT = 0.5
"""How much words count beside photos by default, by three sets of photos: with tags no weight
matters, mistaken keywords ask for less, and words for what the photo does not show for 0.6
(``benchmarks/README.md``)."""

VARIED_TEXTS = (
    "a dog running on grass",
    "a cat on a sofa",
    "a bird in a tree",
    "a herd of elephants",
    "a horse in a field",
    "fish under water",
    "an insect on a leaf",
    "a red flower",
    "a forest in autumn",
    "snow on a mountain",
    "a beach with blue water",
    "a green hill under a white sky",
    "the moon at night",
    "a yellow sunset over the sea",
    "a desert",
    "a waterfall",
    "a portrait of a woman",
    "a man with a beard",
    "children playing",
    "a baby asleep",
    "a crowd at a concert",
    "a wedding",
    "people at a table",
    "a football match",
    "a person riding a bicycle",
    "a black car in the street",
    "a train at a station",
    "an aeroplane in the air",
    "a boat in a harbour",
    "a bridge over a river",
    "a church",
    "tall buildings of a city",
    "an old village house",
    "a kitchen",
    "a bedroom",
    "an office with computers",
    "a plate of food",
    "a birthday cake",
    "fruit and vegetables",
    "a cup of coffee",
    "a bottle of wine",
    "a page of text",
    "a screenshot of a phone",
    "a map",
    "a drawing",
    "a receipt",
    "a purple dress",
    "shoes on the floor",
    "a clock on a wall",
    "a guitar",
    "books on a shelf",
    "toys",
    "tools in a workshop",
    "fireworks",
    "a market",
    "a museum",
    "a garden with a fence",
    "rain on a window",
    "a road through the country",
    "a close-up of fabric",
    "a rocket",
    "a medical scan",
    "a microscope image of cells",
    "stars and galaxies",
)
"""Descriptions of all kinds of photos."""


def standings_of_texts(
    similarities: npt.NDArray[np.float32], background: Background
) -> npt.NDArray[np.float64]:
    """Return the scores of pictures for a text, but less than 0 below the median; 1 at most.

    Parameters
    ----------
    similarities
        The cosines of the text with the pictures, (k,).
    background
        Measured on the cosines of varied texts with pictures.
    """
    beyond = (similarities.astype(np.float64) - background.median) / background.deviation
    return np.minimum(beyond / (2 * SIGNIFICANT), 1)
