from __future__ import annotations

import os
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from waiting import patience, wait_until

from photofind.indexing.watching import mounting
from photofind.indexing.watching.mounting import (
    Mount,
    Mounts,
    PollingMountMonitor,
    new_mount_monitor,
    read_mounts,
)

MOUNTINFO = rb"""22 27 0:21 / /proc rw,relatime shared:13 - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
40 27 8:17 / /media/me/My\040\134drive\012 rw,nosuid shared:300 master:2 - fuseblk /dev/sdb1 rw
41 27 0:50 / /mnt/nas rw - nfs4 nas:/photos rw,vers=4.2
42 41 0:51 / /mnt/nas/local rw - tmpfs tmpfs rw
43 27 0:52 / /mnt/x\377 rw unbindable propagate_from:3 - cifs //nas/x rw
44 27 254:0 /home/me /mnt/bound rw - ext4 /dev/vda rw
45 27 0:53 / /mnt/covered rw - tmpfs tmpfs rw
46 45 0:54 / /mnt/covered rw - nfs nas:/c rw
short line
"""


def recorded() -> Mounts:
    return Mounts(mounting.parse_mountinfo(MOUNTINFO))


def test_what_linux_lists_is_understood():
    mounts = mounting.parse_mountinfo(MOUNTINFO)
    assert [(mount.path, mount.kind) for mount in mounts] == [
        ("/proc", "proc"),
        ("/", "ext4"),
        ("/media/me/My \\drive\n", "fuseblk"),
        ("/mnt/nas", "nfs4"),
        ("/mnt/nas/local", "tmpfs"),
        ("/mnt/x\udcff", "cifs"),
        ("/mnt/bound", "ext4"),
        ("/mnt/covered", "tmpfs"),
        ("/mnt/covered", "nfs"),
    ]
    assert mounts[0].identity == "22 27 0:21 /"


@pytest.mark.skipif(os.name != "posix", reason="paths of Linux")
def test_a_path_is_on_the_innermost_mount_and_on_what_covers_the_others():
    mounts = recorded()
    assert mounts.of("/home/me") == mounts.of("/")
    assert mounts.of("/mnt/nas/x/y").path == "/mnt/nas"
    assert mounts.of("/mnt/nasty").path == "/"
    assert mounts.of("/mnt/covered/x").kind == "nfs"
    assert Mounts(()).of("/x/y") is None
    assert Mounts(()).can_watch("/x/y")


@pytest.mark.skipif(os.name != "posix", reason="paths of Linux")
def test_shares_cannot_be_watched():
    mounts = recorded()
    for path in ("/mnt/nas", "/mnt/nas/2020", "/mnt/x\udcff/a", "/mnt/covered"):
        assert not mounts.can_watch(path)
    for path in ("/", "/home/me", "/media/me/My \\drive\n/x", "/mnt/nas/local/x", "/mnt/bound"):
        assert mounts.can_watch(path)
    assert mounts.unwatchable() == {"/mnt/nas", "/mnt/x\udcff", "/mnt/covered"}


@pytest.mark.skipif(os.name != "posix", reason="paths of Linux")
def test_a_folder_has_to_do_with_what_holds_it_and_what_is_mounted_in_it():
    def concerning(path: str) -> set[str]:
        return {mount.path for mount in recorded().concerning(path)}

    assert concerning("/home/me") == {"/"}
    assert concerning("/mnt/nas") == {"/mnt/nas", "/mnt/nas/local"}
    assert concerning("/media/me") == {"/", "/media/me/My \\drive\n"}


@pytest.mark.parametrize(
    "kind",
    [
        *("nfs", "NFS4", "cifs", "smb3", "smbfs", "fuse.sshfs", "fuse.rclone", "fuse.gvfsd-fuse"),
        *("davfs", "fuse.davfs2", "afs", "vboxsf", "prl_fs", "drvfs", "virtiofs", "afpfs", "9p"),
        *("autofs", "fuse.vmhgfs-fuse", "fuse.glusterfs", "ceph", "lustre", "fuse", "webdav"),
    ],
)
def test_what_others_can_change_unseen_cannot_be_watched(kind):
    assert not Mount("/x", kind).can_be_watched


@pytest.mark.parametrize(
    "kind",
    [
        *("ext4", "btrfs", "xfs", "zfs", "ntfs", "NTFS", "apfs", "hfs", "exfat", "vfat", "tmpfs"),
        *("overlay", "fuseblk", "fuse.gocryptfs", "fuse.mergerfs", "fuse.ntfs-3g", "bcachefs"),
    ],
)
def test_what_is_here_can_be_watched(kind):
    assert Mount("/x", kind).can_be_watched


def test_other_systems_are_asked_by_psutil(monkeypatch):
    partitions = [
        SimpleNamespace(mountpoint="C:\\", fstype="NTFS", device="C:\\", opts="rw,fixed"),
        SimpleNamespace(mountpoint="Z:\\", fstype="NTFS", device="Z:\\", opts="rw,remote"),
        SimpleNamespace(mountpoint="/Volumes/nas", fstype="smbfs", device="//nas", opts="rw"),
    ]
    psutil = SimpleNamespace(disk_partitions=lambda **options: partitions)
    monkeypatch.setattr(mounting, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setitem(sys.modules, "psutil", psutil)
    assert read_mounts().unwatchable() == {"Z:\\", "/Volumes/nas"}


def test_shares_of_windows_cannot_be_watched_even_without_a_letter():
    mounts = Mounts([Mount("C:\\", "NTFS")])
    assert not mounts.can_watch("\\\\nas\\photos\\2020")
    assert mounts.can_watch("\\\\?\\C:\\photos")
    assert mounts.can_watch("C:\\photos")


def test_this_system_has_mounts(tmp_path):
    # The file system of a chroot, and of some containers, is mounted nowhere.
    place = "/proc/self" if sys.platform == "linux" else os.path.realpath(tmp_path)
    assert read_mounts().of(place) is not None


@pytest.mark.parametrize("make", [new_mount_monitor, PollingMountMonitor])
def test_waking_ends_a_wait_or_the_next_one(make):
    mount_monitor = make()
    mount_monitor.wait(0)
    mount_monitor.wake()
    mount_monitor.wake()
    begin = time.monotonic()
    mount_monitor.wait(60)
    timer = threading.Timer(0.05, mount_monitor.wake)
    timer.start()
    mount_monitor.wait(60)
    timer.join()
    assert time.monotonic() - begin < patience(30)
    # Another test may have mounted something just now.
    wait_until(lambda: not mount_monitor.wait(0.01), "no change of mounts")
    mount_monitor.close()
    mount_monitor.close()
    mount_monitor.wake()


def test_where_the_system_does_not_tell_of_mounts_one_looks_now_and_then(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(mounting, "time", SimpleNamespace(monotonic=lambda: now))
    mount_monitor = PollingMountMonitor(10.0)
    assert mount_monitor.wait(0)
    now += 9.9
    assert not mount_monitor.wait(0)
    now += 0.2
    assert mount_monitor.wait(0)
