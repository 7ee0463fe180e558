"""The daemon verifies all embeddings once, when there is nothing to index."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from photofind.indexing.index_maintenance.maintainer import IndexMaintainer
from photofind.paths import Home


@pytest.mark.parametrize("lost", [0, 3])
def test_embeddings_are_verified_once_in_a_quiet_moment(tmp_path: Path, lost: int) -> None:
    store, indexer = Mock(), Mock(idle=False, paused=False, spaces=[])
    store.verify.return_value = lost
    store.folders.return_value = [SimpleNamespace(path="/photos")]
    scanned: list[str] = []
    indexer.scan.side_effect = scanned.extend
    maintainer = IndexMaintainer(store, Home(tmp_path), indexer, Mock(), lambda: 60.0)

    maintainer._use_quiet_moment()
    assert not store.verify.called

    indexer.idle = True
    for _ in range(2):
        maintainer._use_quiet_moment()
        maintainer.library_changed()
    store.verify.assert_called_once_with()
    assert scanned == (["/photos"] if lost else [])
