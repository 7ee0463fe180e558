"""The store on PostgreSQL keeps every promise of the protocol, on a real server."""

from __future__ import annotations

import hashlib
from itertools import count

import pytest
from photofind_postgres import open_postgres

from photofind.paths import Home
from photofind.testing.stores import StoreChecks

_libraries = count()


@pytest.fixture
def library(server) -> str:
    """Give the address of an empty library."""
    return server.address(library=f"test_{next(_libraries)}")


def opened(address: str):
    """Open the library at an address."""
    return open_postgres(Home.default(), address, writable=True, resident=False, idle_seconds=None)


class TestPostgresStore(StoreChecks):
    graphs = True

    @pytest.fixture(autouse=True)
    def _server(self, server):
        self.server = server

    def open_store(self, folder, /, *, writable):
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        return opened(self.server.address(library=f"photos_{name}"))
