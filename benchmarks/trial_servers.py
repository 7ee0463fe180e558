"""What trials of stores have in common: servers, processes that commit, and their network."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = [ROOT / f"plugins/photofind-{name}/tests" for name in ("postgres", "milvus")]
sys.path[:0] = [str(folder) for folder in (*TESTS, ROOT / "tests")]

from milvus_server import MilvusServer  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

from photofind.library.store import Store  # noqa: E402
from photofind.library.stores import open_store  # noqa: E402
from photofind.paths import Home  # noqa: E402
from photofind.settings import Settings  # noqa: E402

__all__ = ["OUTSIDE", "STORES", "Far", "Server", "Writer", "opened"]

STORES = ("postgres", "milvus")
OUTSIDE = "10.203.77.1"
INSIDE = "10.203.77.2"


class Server:
    """A server of one of ``STORES`` on this machine, in a folder of its own.

    Parameters
    ----------
    store
        Which one.
    folder
        Empty, or not there.
    program
        Where a program is unpacked that others can share; beside ``folder``.
    """

    def __init__(self, store: str, folder: Path) -> None:
        self.store = store
        folder.mkdir(parents=True, exist_ok=True)
        self._postgres: PostgresServer | None = None
        if store == "milvus":
            self._milvus = MilvusServer(folder, folder.with_name("program"), tick=200)
            return
        folder.parent.chmod(0o755)
        options = {"full_page_writes": "on", "listen_addresses": "*"}
        self._postgres = PostgresServer(options, folder)
        os.environ["PGPASSFILE"] = str(folder.with_name("pgpass"))
        self._postgres.password_file(folder.parent)
        Path(os.environ["PGPASSFILE"]).write_text("*:*:*:photos:secret\n")
        with (folder / "data" / "pg_hba.conf").open("a") as hosts:
            hosts.write("host all all all scram-sha-256\n")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        if self._postgres is not None:
            self._postgres.start()
        else:
            self._milvus.start()
            self._milvus.wait()

    def kill(self) -> None:
        """End it at once."""
        (self._postgres or self._milvus).kill()

    @property
    def is_alive(self) -> bool:
        """Whether its first process is there."""
        process = (self._postgres or self._milvus)._process
        return process is not None and process.poll() is None

    def address(self, library: str, machine: str, host: str = "127.0.0.1") -> str:
        """Return the address of a library, as one machine has it."""
        if self._postgres is not None:
            base = f"postgres://photos@{host}:{self._postgres.port}/postgres?library={library}&"
        else:
            base = f"milvus://{host}:{self._milvus.port}/{library}?"
        return f"{base}machine={machine}"


@contextmanager
def opened(address: str, home: Path, *, writable: bool = False) -> Iterator[Store]:
    """Open a library from a home."""
    with open_store(Home(home), Settings(store=address), writable=writable) as store:
        yield store


class Writer:
    """A process that commits until it is killed, and what it said it has committed, and when.

    Parameters
    ----------
    before
        The beginning of its command, to run it elsewhere.
    """

    def __init__(self, address: str, name: str, home: Path, before: Sequence[str] = ()) -> None:
        self.name = name
        self.said: list[int] = []
        self.times: list[float] = []
        self._process = subprocess.Popen(
            [*before, sys.executable, TESTS[0] / "committing.py", address, name],
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=os.environ | {"PHOTOFIND_HOME": str(home)},
        )
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip().isdecimal():
                self.said.append(int(line))
                self.times.append(time.monotonic())

    def kill(self) -> None:
        """Kill it, and read what it said last."""
        self._process.kill()
        self._process.wait()
        self._reading.join()


class Far:
    """A place on this machine that reaches it by a network that can be cut: a namespace."""

    name = "photofind-far"
    _here = "photofind-here"

    def __enter__(self) -> Far:
        self._remove()
        there = ["ip", "-n", self.name]
        for command in (
            ["ip", "netns", "add", self.name],
            ["ip", "link", "add", self._here, "type", "veth", "peer", "name", "far", "netns",
             self.name],
            ["ip", "addr", "add", f"{OUTSIDE}/24", "dev", self._here],
            ["ip", "link", "set", self._here, "up"],
            [*there, "addr", "add", f"{INSIDE}/24", "dev", "far"],
            [*there, "link", "set", "far", "up"],
            [*there, "link", "set", "lo", "up"],
        ):  # fmt: skip
            subprocess.run(command, check=True)
        return self

    def __exit__(self, *exception: object) -> None:
        self._remove()

    @property
    def command(self) -> list[str]:
        """What a command is begun with that runs there."""
        return ["ip", "netns", "exec", self.name]

    def cut(self) -> None:
        """Have nothing arrive any more; nobody is told so."""
        subprocess.run(["ip", "link", "set", self._here, "down"], check=True)

    def mend(self) -> None:
        """Have all arrive again."""
        subprocess.run(["ip", "link", "set", self._here, "up"], check=True)

    def _remove(self) -> None:
        for command in (["ip", "netns", "del", self.name], ["ip", "link", "del", self._here]):
            subprocess.run(command, check=False, capture_output=True)
