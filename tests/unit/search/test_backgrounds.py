"""Without an index a space is compared with a background that was measured on itself."""

from __future__ import annotations

import numpy as np

from photofind.library.memory import MemoryStore
from photofind.model.records import Photo
from photofind.ranking.calibration import TYPICAL
from photofind.search.backgrounds import own_background, varied_background
from photofind.search.scenes import same_scene


def test_unrelated_photos_of_an_extractor_that_finds_all_alike_are_of_no_scene(
    store: MemoryStore,
) -> None:
    store.open_space("texture", "1", 256)
    noise = np.random.default_rng(1).normal(size=(40, 256)).astype(np.float32)
    vectors = np.ones(256, np.float32) + 0.25 * noise
    photos = store.commit(
        [
            Photo(f"/p/{n}.jpg", content=f"{n}", captured=f"2021-05-03T10:00:{n:02}")
            for n in range(40)
        ],
        "texture@1",
        {f"{n}": vector for n, vector in enumerate(vectors)},
    )
    measured, count = own_background(store, "texture@1")
    assert measured is not None
    assert (count, measured.median > TYPICAL.similarity(0.8)) == (40, True)
    assert varied_background(store, "texture@1").median > TYPICAL.similarity(0.8)
    assert same_scene(store, "texture@1", photos) == []
    assert varied_background(store, "texture@1") != TYPICAL
