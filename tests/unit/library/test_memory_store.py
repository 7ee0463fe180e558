"""The store in memory keeps every promise of the protocol."""

from __future__ import annotations

from photofind.library.memory import Memory, MemoryStore
from photofind.library.store import Store
from photofind.testing.stores import StoreChecks


class TestMemoryStore(StoreChecks):
    lasting = False

    def open_store(self, folder, /, *, writable):
        if not hasattr(self, "memories"):
            self.memories = {}
        return MemoryStore(self.memories.setdefault(folder, Memory()))


def test_it_is_a_store():
    store: Store = MemoryStore()
    assert store.count() == 0
