"""Which file systems are mounted where, which of them cannot be watched, and when that changes."""

from __future__ import annotations

import os
import re
import select
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from photofind.paths import is_below

__all__ = [
    "Mount",
    "MountMonitor",
    "Mounts",
    "PollingMountMonitor",
    "new_mount_monitor",
    "read_mounts",
]

_MOUNTINFO = "/proc/self/mountinfo"

# There is no event for what changes there on another machine, or in another system.
_REMOTE = frozenset(
    {
        *("9p", "afs", "afpfs", "autofs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs"),
        *("ftp", "fuse", "gfs2", "gpfs", "lustre", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2"),
        *("orangefs", "prl_fs", "pvfs2", "smb", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs"),
        *("vmhgfs", "webdav"),
    }
)
# File systems in user space count as remote, except those that only show local files.
_LOCAL_FUSE = frozenset(
    {
        *("bindfs", "cryfs", "encfs", "exfat", "exfat-fuse", "ext2", "ext4", "fuse2fs"),
        *("gocryptfs", "mergerfs", "ntfs", "ntfs-3g", "overlay", "fuse-overlayfs", "securefs"),
        *("squashfuse", "unionfs", "veracrypt", "xfs", "zfs", "zfs-fuse"),
    }
)


class Mount(NamedTuple):
    """A file system and where it is mounted.

    Parameters
    ----------
    path
        Where.
    kind
        The type of the file system, as the system calls it.
    identity
        Distinguishes it from others that are mounted at the same path at other times.
    remote
        Whether the system says that it is on another machine.
    """

    path: str
    kind: str
    identity: str = ""
    remote: bool = False

    @property
    def can_be_watched(self) -> bool:
        """Whether there are events for all that changes in it."""
        kind = self.kind.lower()
        if kind.startswith("fuse."):
            return kind.removeprefix("fuse.") in _LOCAL_FUSE
        return not (self.remote or kind in _REMOTE)


class Mounts:
    """The mounts at some moment. No file system is accessed: one may not answer."""

    def __init__(self, mounts: Iterable[Mount]) -> None:
        self._mounts = {mount.path: mount for mount in mounts}  # The last one covers the others.

    def of(self, path: str) -> Mount | None:
        """Return the innermost mount that holds ``path``, which is absolute and has no links."""
        place = path
        while place not in self._mounts:
            parent = os.path.dirname(place)  # noqa: PTH120 (may be called for each of many links)
            if parent == place:
                return None
            place = parent
        return self._mounts[place]

    def can_watch(self, path: str) -> bool:
        """Return whether there are events for all that changes at ``path``."""
        if path.startswith("\\\\") and not path.startswith("\\\\?\\"):  # Of Windows: a share.
            return False
        mount = self.of(path)
        return mount is None or mount.can_be_watched

    def concerning(self, path: str) -> frozenset[Mount]:
        """Return the mounts that hold ``path`` or lie below it."""
        own = self.of(path)
        below = {mount for mount in self._mounts.values() if is_below(mount.path, path)}
        return frozenset(below | {own} if own else below)

    def unwatchable(self) -> frozenset[str]:
        """Return the paths of the mounts that cannot be watched."""
        return frozenset(m.path for m in self._mounts.values() if not m.can_be_watched)


def read_mounts() -> Mounts:
    """Return the mounts as they are now."""
    if sys.platform == "linux":
        with suppress(OSError):
            return Mounts(parse_mountinfo(Path(_MOUNTINFO).read_bytes()))
    import psutil

    return Mounts(
        Mount(
            partition.mountpoint,
            partition.fstype,
            partition.device,
            remote="remote" in partition.opts.split(","),
        )
        for partition in psutil.disk_partitions(all=True)
    )


def parse_mountinfo(text: bytes) -> list[Mount]:
    """Return the mounts that Linux lists in ``/proc/self/mountinfo``.

    References
    ----------
    https://www.kernel.org/doc/html/latest/filesystems/proc.html, section 3.5.
    """
    mounts: list[Mount] = []
    for line in text.splitlines():
        before, _, after = line.partition(b" - ")
        words, kind = before.split(b" "), after.split(b" ")[0]
        if len(words) < 5:
            continue
        path = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), words[4])
        identity = b" ".join(words[:4]).decode("ascii", "replace")
        mounts.append(Mount(os.fsdecode(path), kind.decode("ascii", "replace"), identity))
    return mounts


class MountMonitor(Protocol):
    """Waits until mounts change or another thread calls :meth:`wake`."""

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; return whether mounts may have changed."""

    def wake(self) -> None:
        """End the wait, or the next one; any thread may call it."""

    def close(self) -> None:
        """Close what it has open."""


def new_mount_monitor() -> MountMonitor:
    """Return the mount monitor of this system."""
    if sys.platform == "linux":
        with suppress(OSError):
            return _LinuxMountMonitor()
    return PollingMountMonitor()


class PollingMountMonitor:
    """For systems without events about mounts: they may have changed, every so many seconds."""

    def __init__(self, seconds_between: float = 10.0) -> None:
        self._woken = threading.Event()
        self._seconds_between = seconds_between
        self._looked = 0.0

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; return whether mounts may have changed."""
        self._woken.wait(seconds)
        self._woken.clear()
        now = time.monotonic()
        if now - self._looked < self._seconds_between:
            return False
        self._looked = now
        return True

    def wake(self) -> None:
        """End the wait, or the next one."""
        self._woken.set()

    def close(self) -> None:
        """Nothing is held."""


class _LinuxMountMonitor:
    """Linux reports a change of mounts as an exceptional condition of the list of mounts."""

    def __init__(self) -> None:
        self._mountinfo = os.open(_MOUNTINFO, os.O_RDONLY)
        self._listen, self._speak = os.pipe()
        os.set_blocking(self._listen, False)
        os.set_blocking(self._speak, False)
        self._poll = select.poll()
        self._poll.register(self._listen, select.POLLIN)
        self._poll.register(self._mountinfo, select.POLLPRI | select.POLLERR)
        self._closing = threading.Lock()
        self._closed = False

    def wait(self, seconds: float) -> bool:
        ready = {descriptor for descriptor, _ in self._poll.poll(max(0.0, seconds) * 1000)}
        if self._listen in ready:
            with suppress(BlockingIOError):
                os.read(self._listen, 4096)
        return self._mountinfo in ready

    def wake(self) -> None:
        with self._closing:
            if not self._closed:
                with suppress(BlockingIOError):  # It was woken already.
                    os.write(self._speak, b"!")

    def close(self) -> None:
        with self._closing:
            if not self._closed:
                self._closed = True
                for descriptor in (self._mountinfo, self._listen, self._speak):
                    os.close(descriptor)
