"""Learn the visual words from scikit-image's photographs, all in the public domain or CC0.

``python learn_vocabulary.py`` writes ``src/photofind_descriptors/vocabulary.npy``, with the plugin
installed. Another vocabulary gives other embeddings, so ``Words.version`` must change with it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from photofind_descriptors.words import WORDS, Words, root_sift
from PIL import Image, ImageOps
from skimage import data
from sklearn.cluster import MiniBatchKMeans

FILE = Path(__file__).parent / "src/photofind_descriptors/vocabulary.npy"
PHOTOGRAPHS = (
    "astronaut", "brick", "camera", "chelsea", "clock", "coffee", "coins", "grass", "gravel",
    "hubble_deep_field", "immunohistochemistry", "moon", "rocket",
)  # fmt: skip
CROPS = 6


def main() -> None:
    """Write the vocabulary."""
    generator = np.random.default_rng(1)
    height, width = Words.input_size
    features = []
    for name in PHOTOGRAPHS:
        photograph = Image.fromarray(getattr(data, name)()).convert("RGB")
        whole = (0, 0, *photograph.size)
        for box in [whole, *(_crop(photograph.size, generator) for _ in range(CROPS))]:
            picture = photograph.crop(box).resize((width, height))
            features += [
                root_sift(np.asarray(picture)),
                root_sift(np.asarray(ImageOps.mirror(picture))),
            ]
    found = np.concatenate(features)
    print(f"{len(found)} features")
    means = MiniBatchKMeans(WORDS, batch_size=4096, n_init=3, max_iter=200, random_state=1).fit(
        found
    )
    np.save(FILE, means.cluster_centers_.astype(np.float16))


def _crop(size: tuple[int, int], generator: np.random.Generator) -> tuple[int, int, int, int]:
    width, height = (int(side * generator.uniform(0.4, 0.8)) for side in size)
    left, top = (
        int(generator.integers(0, s - w)) for s, w in zip(size, (width, height), strict=True)
    )
    return left, top, left + width, top + height


if __name__ == "__main__":
    main()
