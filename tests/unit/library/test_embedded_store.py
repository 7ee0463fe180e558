"""The default engine keeps every promise of the protocol."""

from __future__ import annotations

from photofind.library.embedded.store import EmbeddedStore
from photofind.paths import Home
from photofind.testing.stores import StoreChecks


class TestEmbeddedStore(StoreChecks):
    graphs = True

    def open_store(self, folder, /, *, writable):
        return EmbeddedStore(Home(folder / "home"), writable=writable)
