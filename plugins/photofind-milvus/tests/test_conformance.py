"""The store keeps every promise of the protocol, on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from libraries import emptied
from milvus_server import MilvusServer
from photofind_milvus.store import MilvusStore

from photofind.library.store import Store
from photofind.paths import Home
from photofind.testing.stores import StoreChecks


class TestMilvusStore(StoreChecks):
    graphs = True

    @pytest.fixture(autouse=True)
    def library(self, server: MilvusServer) -> None:
        self.address = f"{emptied(server, 'kit')}?machine=one"

    def open_store(self, folder: Path, /, *, writable: bool) -> Store:
        return MilvusStore(Home(folder), self.address, writable=writable)
