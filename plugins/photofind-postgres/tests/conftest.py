"""One server for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from postgres_server import PostgresServer


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
