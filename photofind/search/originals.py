"""Photos that the query was cut from, or that were cut from it, are found by their pixels."""

from __future__ import annotations

import time

import numpy as np

from photofind.library.store import Store
from photofind.model.records import Photo
from photofind.search.comparison import Ranked
from photofind.search.verification import Verification

__all__ = ["originals_first"]

COMPARED = 60
"""How many of the best hits are compared with the query."""

SECONDS = 30.0


def originals_first(
    store: Store, verification: Verification, asked: Photo, ranked: Ranked
) -> Ranked:
    """Return ranked contents with those first that show the query's picture or a part of it.

    Their score is 1.

    Parameters
    ----------
    asked
        The photo of the query: its path and content.
    """
    photos = store.by_content(ranked.contents[:COMPARED])
    firsts = [found[0] for found in photos.values() if found]
    verdicts = verification.compare(
        [(asked, photo, False) for photo in firsts if photo.content != asked.content],
        until=time.monotonic() + SECONDS,
    )
    shown = {content for (_, content), verdict in verdicts.items() if verdict is not None}
    again = np.array([content in shown for content in ranked.contents], np.bool_)
    order = np.argsort(~again, kind="stable")
    return Ranked(
        [ranked.contents[place] for place in order],
        np.where(again, 1.0, ranked.scores)[order],
        ranked.embeddings[order],
        ranked.searched_by,
    )
