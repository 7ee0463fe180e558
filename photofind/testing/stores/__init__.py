"""For the authors of storage engines: checks of every promise of the store protocol.

In an engine's own test suite::

    from photofind.testing.stores import StoreChecks

    class TestMyStore(StoreChecks):
        def open_store(self, folder, /, *, writable):
            return MyStore(folder, writable=writable)

runs each check as a test, on an empty library of its own.
"""

from photofind.testing.stores.subject import StoreCheck, StoreSubject
from photofind.testing.stores.suite import STORE_CHECKS, StoreChecks

__all__ = ["STORE_CHECKS", "StoreCheck", "StoreChecks", "StoreSubject"]
