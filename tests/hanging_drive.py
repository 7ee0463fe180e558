"""A drive that hangs when it is told to: a read-only file system that shows a folder.

It speaks the protocol of ``/dev/fuse`` itself, so that no library is needed; mounting it takes root
on Linux. Nothing is cached by the system, so each touch of a file asks this process. As a program,
``hanging_drive.py SOURCE TARGET TYPE`` serves the mount until it is ended, and takes lines from its
standard input: what is to hang from then on, as ``OPERATION PART-OF-THE-PATH`` separated by tabs.

References
----------
https://www.kernel.org/doc/html/latest/filesystems/fuse.html; the structures: ``linux/fuse.h``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
import subprocess
import sys
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import pytest

__all__ = ["HangingDrive"]


class Operation(IntEnum):
    """What the system may ask for."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    OPEN = 14
    READ = 15
    STATFS = 17
    RELEASE = 18
    FLUSH = 25
    INIT = 26
    OPENDIR = 27
    READDIR = 28
    RELEASEDIR = 29
    ACCESS = 34
    INTERRUPT = 36
    DESTROY = 38
    BATCH_FORGET = 42


UNANSWERED = {Operation.FORGET, Operation.INTERRUPT, Operation.BATCH_FORGET}
CAN_HANG = {"lookup", "getattr", "open", "read", "opendir", "readdir"}
ROOT = 1


class HangingDrive:
    """A folder, mounted at another place by a process of its own; skips where that is impossible.

    Parameters
    ----------
    source
        What it shows.
    place
        Where it is mounted.
    kind
        Its type: one of a network share by default, which is polled; ``fuse.ntfs-3g`` is watched.
    """

    def __init__(self, source: Path, place: Path, kind: str = "fuse.sshfs") -> None:
        if sys.platform != "linux" or os.geteuid() or not os.access("/dev/fuse", os.R_OK):
            pytest.skip("file systems in user space are mounted by root, on Linux with /dev/fuse")
        self.place = place
        place.mkdir()
        self._server = subprocess.Popen(
            [sys.executable, __file__, str(source), str(place), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self._server.stdout is not None
        if (told := self._server.stdout.readline().strip()) != "mounted":
            self._server.wait()
            pytest.skip(f"file systems in user space cannot be mounted here: {told}")

    def hang(self, operation: str, part: str = "") -> None:
        """From now on, leave an operation unanswered where the path holds ``part``.

        ``any`` stands for every operation.
        """
        self._tell(f"{operation}\t{part}")

    def wake(self) -> None:
        """Answer what was left unanswered, and everything from now on."""
        self._tell("")

    def close(self) -> None:
        """Unmount it; whatever waits for it fails."""
        self._server.kill()
        self._server.communicate()
        subprocess.run(["umount", "--lazy", str(self.place)], check=False)

    def _tell(self, line: str) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(f"{line}\n")
        self._server.stdin.flush()
        assert self._server.stdout is not None
        assert self._server.stdout.readline().strip() == "heard"


class Request(NamedTuple):
    """What the system asks: the operation, on the node of a path."""

    operation: int
    unique: int
    node: int
    body: bytes

    @property
    def name_of_operation(self) -> str:
        """Its name; empty for one that is never needed."""
        known = set(Operation)
        return Operation(self.operation).name.lower() if self.operation in known else ""

    @property
    def name(self) -> str:
        """The name that its body consists of."""
        return os.fsdecode(self.body.split(b"\0")[0])


class FileSystem:
    """Answers the requests for a mount, or keeps them for later."""

    def __init__(self, source: Path, device: int) -> None:
        self._source = source
        self._device = device
        self._paths = {ROOT: ""}
        self._nodes = {"": ROOT}
        self._hangs: list[tuple[str, str]] = []
        self._held: list[Request] = []

    def serve(self) -> None:
        """Answer until it is unmounted."""
        commands = sys.stdin.fileno()
        while True:
            ready, _, _ = select.select([self._device, commands], [], [])
            if commands in ready:
                for line in os.read(commands, 4096).decode().splitlines():
                    self._take(line)
                    print("heard", flush=True)
            if self._device in ready:
                try:
                    data = os.read(self._device, 1 << 20)
                except OSError as error:
                    if error.errno == errno.ENODEV:  # It is unmounted.
                        return
                    continue  # The request was withdrawn.
                length, operation, unique, node = struct.unpack_from("<IIQQ", data)
                self._handle(Request(operation, unique, node, data[40:length]))

    def _take(self, line: str) -> None:
        if not line:
            self._hangs.clear()
            held, self._held = self._held, []
            for request in held:
                self._handle(request)
        else:
            operation, _, part = line.partition("\t")
            self._hangs.append((operation, part))

    def _handle(self, request: Request) -> None:
        if request.operation in UNANSWERED:
            return
        path = self._paths.get(request.node, "")
        if request.operation == Operation.LOOKUP:
            path = f"{path}/{request.name}" if path else request.name
        operation = request.name_of_operation
        if operation in CAN_HANG and any(
            o in (operation, "any") and part in path for o, part in self._hangs
        ):
            self._held.append(request)
            return
        try:
            self._reply(request, self._answer(request, path))
        except OSError as error:
            self._reply(request, b"", error.errno or errno.EIO)

    def _answer(self, request: Request, path: str) -> bytes:
        match request.operation:
            case Operation.INIT:
                most = 1 << 16  # Bytes that are read ahead, and written at once.
                return struct.pack("<IIIIHHIIHHI28x", 7, 31, most, 0, 64, 48, most, 1, 16, 0, 0)
            case Operation.LOOKUP:
                attributes = self._attributes(path)
                node = self._nodes.setdefault(path, len(self._nodes) + 1)
                self._paths[node] = path
                return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + attributes
            case Operation.GETATTR:
                return struct.pack("<QII", 0, 0, 0) + self._attributes(path)
            case Operation.OPEN | Operation.OPENDIR:
                return struct.pack("<QII", 0, 0, 0)
            case Operation.READ:
                _, offset, size = struct.unpack_from("<QQI", request.body)
                with self._real(path).open("rb") as file:
                    file.seek(offset)
                    return file.read(size)
            case Operation.READDIR:
                _, offset, size = struct.unpack_from("<QQI", request.body)
                return self._listing(path, offset, size)
            case Operation.STATFS:
                blocks, files = 10**6, 10**6
                return struct.pack(
                    "<QQQQQIIII24x", blocks, blocks, blocks, files, files, 4096, 255, 4096, 0
                )
            case (
                Operation.RELEASE
                | Operation.RELEASEDIR
                | Operation.FLUSH
                | Operation.ACCESS
                | Operation.DESTROY
            ):
                return b""
        raise OSError(errno.ENOSYS, "it is not needed")

    def _attributes(self, path: str) -> bytes:
        status = self._real(path).lstat()
        times = (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)
        return struct.pack(
            "<QQQQQQ10I",
            status.st_ino,
            status.st_size,
            status.st_blocks,
            *(time // 10**9 for time in times),
            *(time % 10**9 for time in times),
            status.st_mode,
            status.st_nlink,
            status.st_uid,
            status.st_gid,
            0,
            4096,
            0,
        )

    def _listing(self, path: str, offset: int, size: int) -> bytes:
        listing = b""
        for number, one in enumerate(sorted(self._real(path).iterdir())[offset:], offset + 1):
            kind = 4 if one.is_dir() else 8
            encoded = os.fsencode(one.name)
            entry = struct.pack("<QQII", 1000 + number, number, len(encoded), kind) + encoded
            entry += b"\0" * (-len(entry) % 8)
            if len(listing) + len(entry) > size:
                break
            listing += entry
        return listing

    def _real(self, path: str) -> Path:
        return self._source / path

    def _reply(self, request: Request, data: bytes, error: int = 0) -> None:
        with suppress(OSError):  # Nothing waits for it any more.
            head = struct.pack("<IiQ", 16 + len(data), -error, request.unique)
            os.write(self._device, head + data)


def main() -> None:
    """Mount a folder and serve it."""
    source, place, kind = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"hanging", os.fsencode(place), kind.encode(), 0, options.encode()):
        print(os.strerror(ctypes.get_errno()), flush=True)
        return
    print("mounted", flush=True)
    FileSystem(Path(source), device).serve()


if __name__ == "__main__":
    main()
