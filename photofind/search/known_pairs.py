"""The pairs of pictures that match by their fingerprints, kept: only new ones are looked for."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photofind.paths import write_atomically
from photofind.ranking.fingerprints import SAME, Fingerprints, near_pairs

__all__ = ["KnownPairs"]

_VERSION = 1

_logger = logging.getLogger(__name__)

Places = npt.NDArray[np.int64]


class KnownPairs:
    """Finds all pairs of near fingerprints, and keeps them in a file of the cache.

    For 100,000 photos the exact search takes half a minute, for some new ones next to nothing.

    Parameters
    ----------
    path
        The file; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def of(self, contents: Sequence[str], prints: Fingerprints) -> tuple[Places, Places]:
        """Return the pairs of some contents, the lower place first, (p,) and (p,).

        Parameters
        ----------
        contents
            Of pictures that all differ.
        prints
            Their fingerprints, in the same order.
        """
        names = np.array([content.encode() for content in contents], np.bytes_)
        known = self._read()
        if known is None:
            found = near_pairs(prints)
            self._write(names, prints, found.lefts, found.rights)
            return found.lefts, found.rights
        new = np.ones(len(names), np.bool_)
        # Where each picture that was known is now.
        now = np.full(len(known["names"]), -1, np.int64)
        order = np.argsort(names)
        at = np.searchsorted(names[order], known["names"]) if len(names) else np.zeros(0, np.int64)
        at = np.minimum(at, max(len(names) - 1, 0))
        if len(names):
            places = order[at]
            same = (
                (names[places] == known["names"])
                & (prints.bits[places] == known["bits"]).all(axis=1)
                & (prints.sufficient[places] == known["sufficient"])
            )
            now[same] = places[same]
            new[places[same]] = False
        lefts, rights = now[known["lefts"]], now[known["rights"]]
        left = (lefts >= 0) & (rights >= 0)
        lefts, rights = lefts[left], rights[left]
        if new.any():
            found = near_pairs(prints, new)
            lefts = np.concatenate([lefts, found.lefts])
            rights = np.concatenate([rights, found.rights])
        if new.any() or (now < 0).any():
            self._write(names, prints, lefts, rights)
        return np.minimum(lefts, rights), np.maximum(lefts, rights)

    def _read(self) -> dict[str, npt.NDArray[np.generic]] | None:
        if self._path is None:
            return None
        try:
            with np.load(self._path, allow_pickle=False) as file:
                if file["version"].tolist() != [_VERSION, SAME]:
                    return None
                known = {name: file[name] for name in file.files}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            _logger.warning("%s: %s; all fingerprints are compared again", self._path, error)
            return None
        count, pairs = len(known["names"]), (known["lefts"], known["rights"])
        if any(len(one) and int(one.max()) >= count for one in pairs):
            return None
        return known

    def _write(self, names: npt.NDArray[np.bytes_], prints: Fingerprints, *pairs: Places) -> None:
        if self._path is None:
            return
        buffer = io.BytesIO()
        np.savez(
            buffer,
            version=np.array([_VERSION, SAME]),
            names=names,
            bits=prints.bits,
            sufficient=prints.sufficient,
            lefts=pairs[0].astype(np.uint32),
            rights=pairs[1].astype(np.uint32),
        )
        with suppress(OSError):  # It is found again.
            write_atomically(self._path, buffer.getvalue())
