"""Which file system is mounted at a place: its identity, as the system tells it."""

from __future__ import annotations

import os
import plistlib
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

__all__ = ["Volume", "volumes_at"]

_BY_UUID = Path("/dev/disk/by-uuid")
_SECONDS = 4.0

# They are made anew each time, and nothing tells one from another.
_NAMELESS = frozenset({"aufs", "devtmpfs", "overlay", "ramfs", "rootfs", "tmpfs"})
# They keep local time, so that times shift with daylight saving time and between time zones.
_LOCAL_TIME = frozenset({"exfat", "fat", "fat32", "msdos", "vfat", "fuse.exfat"})


class Volume(NamedTuple):
    """A file system that is mounted.

    Parameters
    ----------
    identity
        Distinguishes it from others that are mounted at the same place at other times: its UUID or
        serial number, or the address of a share; empty where the system tells none.
    is_lasting
        Whether another one at the same place may be told by what is in it.
    shifts_times
        Whether the times of its files may shift by whole hours.
    """

    identity: str = ""
    is_lasting: bool = True
    shifts_times: bool = False


def volumes_at(mounts: Iterable[str]) -> dict[str, Volume]:
    """Return the file systems that are mounted at these paths now."""
    import psutil

    wanted = set(mounts)
    return {
        partition.mountpoint: Volume(
            _identity(partition.device, partition.mountpoint, partition.fstype.lower()),
            partition.fstype.lower() not in _NAMELESS,
            partition.fstype.lower() in _LOCAL_TIME,
        )
        for partition in psutil.disk_partitions(all=True)
        if partition.mountpoint in wanted
    }


def _identity(device: str, mount: str, kind: str) -> str:
    if kind in _NAMELESS:
        return ""
    if device.startswith(("//", "\\\\")) or ":/" in device or kind == "zfs":
        return device  # A share of another machine, or a dataset: its name is its identity.
    if sys.platform == "win32":
        return _serial_number(mount)
    if not device.startswith("/dev/"):
        return ""
    if sys.platform == "darwin":
        return _told_by_diskutil(mount)
    return _named_by_udev(device) or _output("blkid", "-p", "-o", "value", "-s", "UUID", device)


def _named_by_udev(device: str) -> str:
    real = os.path.realpath(device)
    try:
        links = sorted(_BY_UUID.iterdir())
    except OSError:
        return ""
    return next((link.name for link in links if os.path.realpath(link) == real), "")


def _told_by_diskutil(mount: str) -> str:
    try:
        told = plistlib.loads(_output("diskutil", "info", "-plist", mount).encode())
    except (plistlib.InvalidFileException, ValueError):
        return ""
    return str(told.get("VolumeUUID") or told.get("DiskUUID") or "")


def _serial_number(mount: str) -> str:
    import ctypes

    number = ctypes.c_ulong()
    is_told = ctypes.windll.kernel32.GetVolumeInformationW(  # type: ignore[attr-defined, unused-ignore]
        ctypes.c_wchar_p(mount), None, 0, ctypes.byref(number), None, None, None, 0
    )
    return f"{number.value:08X}" if is_told and number.value else ""


def _output(*words: str) -> str:
    """Return what a program prints; nothing where it fails or is not there."""
    # Programs for administrators are not on the path of every user.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
            env={**os.environ, "PATH": path, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").strip()
