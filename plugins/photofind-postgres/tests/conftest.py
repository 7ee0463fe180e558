"""One server for all tests of a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count

import pytest
from photofind_postgres import open_postgres
from postgres_server import PostgresServer

from photofind.paths import Home

_libraries = count()


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """Give a server with pgvector that nobody else uses."""
    server = PostgresServer({"fsync": "off"})
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def password(server: PostgresServer, tmp_path, monkeypatch) -> None:
    """Have libpq find the password, here and in child processes."""
    monkeypatch.setenv("PGPASSFILE", str(server.password_file(tmp_path)))


@pytest.fixture
def library(server: PostgresServer) -> str:
    """Give the name of a library that is not there yet."""
    return f"test_{next(_libraries)}"


@pytest.fixture
def opened(server: PostgresServer, library: str) -> Iterator[Callable[..., object]]:
    """Open that library, with options of the address; closed in the end."""
    with ExitStack() as stack:

        def open_it(**options: str) -> object:
            address = server.address(library=library, **options)
            store = open_postgres(
                Home.default(), address, writable=True, resident=False, idle_seconds=None
            )
            return stack.enter_context(store)

        yield open_it
