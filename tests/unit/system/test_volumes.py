"""The identity of file systems, as each system tells it."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from waiting import wait_until

from photofind.system import volumes
from photofind.system.volumes import Volume, volumes_at


def mounted(monkeypatch: pytest.MonkeyPatch, device: str, kind: str) -> Volume:
    """Return the volume that is told of a file system of this device and kind."""
    partition = SimpleNamespace(device=device, mountpoint="/m", fstype=kind)
    monkeypatch.setattr(psutil, "disk_partitions", lambda **options: [partition])
    return volumes_at(["/m", "/elsewhere"])["/m"]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], list[tuple[str, ...]]]:
    """Have programs print something; the list returned is of those that were run."""

    def prints(output: bytes) -> list[tuple[str, ...]]:
        commands: list[tuple[str, ...]] = []

        def run(words: tuple[str, ...], **options: object) -> SimpleNamespace:
            commands.append(words)
            return SimpleNamespace(stdout=output)

        monkeypatch.setattr(subprocess, "run", run)
        return commands

    return prints


@pytest.mark.parametrize(
    ("device", "kind"),
    [
        ("nas:/photos", "nfs4"),
        ("//nas/photos", "cifs"),
        ("me@host:/photos", "fuse.sshfs"),
        ("pool/photos", "zfs"),
    ],
)
def test_a_share_is_known_by_its_address(monkeypatch, device, kind) -> None:
    assert mounted(monkeypatch, device, kind) == Volume(device)


def test_what_is_made_anew_each_time_has_no_identity(monkeypatch) -> None:
    assert mounted(monkeypatch, "overlay", "overlay") == Volume("", is_lasting=False)
    assert mounted(monkeypatch, "gvfsd-fuse", "fuse.gvfsd-fuse") == Volume("")


@pytest.mark.skipif(sys.platform != "linux", reason="it is of Linux")
def test_linux_names_devices_by_uuid(monkeypatch, tmp_path, printed) -> None:
    commands = printed(b"of blkid\n")
    (tmp_path / "sdx1").touch()
    (tmp_path / "by-uuid").mkdir()
    (tmp_path / "by-uuid" / "1234-ABCD").symlink_to("../sdx1")
    monkeypatch.setattr(volumes, "_BY_UUID", tmp_path / "by-uuid")
    realpath = os.path.realpath
    monkeypatch.setattr(
        os.path,
        "realpath",
        lambda path: realpath(str(path).replace("/dev/sdx", str(tmp_path / "sdx"))),
    )
    assert mounted(monkeypatch, "/dev/sdx1", "vfat") == Volume("1234-ABCD", shifts_times=True)
    assert commands == []
    assert mounted(monkeypatch, "/dev/sdx2", "ext4") == Volume("of blkid")
    assert commands == [("blkid", "-p", "-o", "value", "-s", "UUID", "/dev/sdx2")]


def test_macos_asks_diskutil(monkeypatch, printed) -> None:
    commands = printed(plistlib.dumps({"VolumeUUID": "E1D2"}))
    monkeypatch.setattr(volumes.sys, "platform", "darwin")
    assert mounted(monkeypatch, "/dev/disk2s1", "msdos") == Volume("E1D2", shifts_times=True)
    assert commands == [("diskutil", "info", "-plist", "/m")]
    printed(b"no such disk")
    assert mounted(monkeypatch, "/dev/disk2s1", "apfs") == Volume("")


def test_a_program_that_is_missing_tells_nothing(monkeypatch) -> None:
    monkeypatch.setattr(volumes, "_BY_UUID", Path("/there/is/none"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(volumes.os, "defpath", "")
    assert mounted(monkeypatch, "/dev/there-is-no-such-device", "ext4") == Volume("")


@contextmanager
def loop_mounted(image: Path, place: Path) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-o", "loop", str(image), str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"images cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        # A file manager of another test may just be looking at what was mounted.
        wait_until(lambda: subprocess.run(["umount", str(place)], check=False).returncode == 0)


@pytest.mark.skipif(sys.platform != "linux", reason="images are mounted as on Linux")
@pytest.mark.parametrize("make", [("mkfs.ext4", "-q"), ("mkfs.vfat",)])
def test_real_file_systems_have_identities(tmp_path, make) -> None:
    if os.geteuid() or shutil.which(make[0], path="/usr/sbin:/sbin") is None:
        pytest.skip(f"only root can mount images, and {make[0]} makes them")
    place = tmp_path / "card"
    seen = []
    for name in ("one", "two", "one"):
        image = tmp_path / name
        if not image.exists():
            image.touch()
            os.truncate(image, 16 << 20)
            subprocess.run([*make, str(image)], check=True, capture_output=True)
        with loop_mounted(image, place):
            seen.append(volumes_at([str(place)])[str(place)])
    assert seen[0] == seen[2] != seen[1]
    assert seen[0].identity
    assert seen[0].shifts_times == (make[0] == "mkfs.vfat")
