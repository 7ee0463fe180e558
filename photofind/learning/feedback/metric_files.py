"""Where learned metrics are kept: a card for each space, and the metric itself where it counts."""

from __future__ import annotations

import io
import json
import time
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote
from zipfile import BadZipFile

import numpy as np

from photofind.learning.feedback.metric import Metric
from photofind.model import MetricStatus, revive
from photofind.paths import Home, remove_file, write_atomically
from photofind.ranking.calibration import Background
from photofind.ranking.projection import Projection
from photofind.system.disk import explain_disk_errors

__all__ = ["MetricFiles"]

VERSION = 1
_LARGEST = 2**26
"""Bytes of a file; one of 128 components and a thousand judged photos has some million."""


class MetricFiles:
    """The learned metrics of a home.

    What cannot be read counts as not there: it is learned again.

    Parameters
    ----------
    home
        Where they are.
    """

    def __init__(self, home: Home) -> None:
        self._folder = home.metrics
        # The latest metric read, and the file that it was.
        self._read: tuple[tuple[str, int, int], Metric | None] | None = None

    def status(self, space: str) -> MetricStatus | None:
        """Return what is known of the metric of a space; None where none was ever tried."""
        try:
            return revive(MetricStatus, self._card(space)["status"])
        except (KeyError, TypeError, AttributeError):
            return None

    def since(self, space: str) -> float:
        """Return from when on judgements count, in seconds since 1970; others are forgotten."""
        since = self._card(space).get("since", 0.0)
        return float(since) if isinstance(since, int | float) else 0.0

    def learned_from(self, space: str) -> str:
        """Return which judgements were last learned from, as the learner says it."""
        return str(self._card(space).get("learned_from", ""))

    def metric(self, space: str) -> Metric | None:
        """Return the metric of a space; None where there is none that counts."""
        path = self._path(space, ".npz")
        try:
            status = path.stat()
        except OSError:
            return None
        stamp = (str(path), status.st_mtime_ns, status.st_ino)
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, _read(path)
        return self._read[1]

    def keep(
        self, space: str, metric: Metric | None, status: MetricStatus, learned_from: str
    ) -> None:
        """Keep a metric, or that there is none, and why.

        Raises
        ------
        LibraryError
            The disk refuses.
        """
        path = self._path(space, ".npz")
        with explain_disk_errors(path):
            if metric is None:
                remove_file(path)
            else:
                write_atomically(path, _written(metric))
        self._write_card(space, status, learned_from, self.since(space))

    def forget(self, space: str, learned_from: str) -> bool:
        """Remove a metric; what was judged until now is not learned from again.

        Parameters
        ----------
        learned_from
            What the learner says of no judgements at all.

        Returns
        -------
        bool
            Whether there was one.

        Raises
        ------
        LibraryError
            The disk refuses.
        """
        path = self._path(space, ".npz")
        there = path.exists()
        with explain_disk_errors(path):
            remove_file(path)
        status = MetricStatus(
            "none",
            space,
            "it was forgotten; another one is learned from what is judged from now on",
        )
        self._write_card(space, status, learned_from, time.time())
        return there

    def _write_card(
        self, space: str, status: MetricStatus, learned_from: str, since: float
    ) -> None:
        card = {
            "version": VERSION,
            "status": asdict(status),
            "learned_from": learned_from,
            "since": since,
        }
        path = self._path(space, ".json")
        with explain_disk_errors(path):
            write_atomically(path, json.dumps(card, indent=2).encode())

    def _card(self, space: str) -> dict[str, object]:
        try:
            card = json.loads(self._path(space, ".json").read_bytes())
        except (OSError, ValueError):
            return {}
        return card if isinstance(card, dict) and card.get("version") == VERSION else {}

    def _path(self, space: str, suffix: str) -> Path:
        return self._folder / (quote(space, safe="@,=+") + suffix)


def _written(metric: Metric) -> bytes:
    background = metric.background
    buffer = io.BytesIO()
    np.savez(
        buffer,
        mean=metric.projection.mean,
        components=metric.projection.components,
        weights=metric.weights,
        anchors=metric.anchors.astype(np.float16),
        background=np.array(
            [
                background.median,
                background.deviation,
                np.nan if background.significant is None else background.significant,
            ]
        ),
    )
    return buffer.getvalue()


def _read(path: Path) -> Metric | None:
    try:
        if path.stat().st_size > _LARGEST:
            return None
        with np.load(path, allow_pickle=False) as arrays:
            mean, components, weights, anchors = (
                np.asarray(arrays[name], np.float32)
                for name in ("mean", "components", "weights", "anchors")
            )
            median, deviation, significant = map(float, arrays["background"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    is_sound = (
        components.shape == (len(weights), len(mean))
        and anchors.ndim == 2
        and anchors.shape[1] == len(mean)
        and np.isfinite(weights).all()
    )
    if not is_sound:
        return None
    background = Background(median, deviation, None if np.isnan(significant) else significant)
    return Metric(Projection(mean, components), weights, anchors, background)
