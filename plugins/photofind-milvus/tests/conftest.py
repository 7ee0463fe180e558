"""One Milvus server for all tests of the plugin: it speaks TLS alone and asks for a password."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from libraries import guarded
from milvus_server import MilvusServer


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the program of the server is unpacked; too large to be left behind."""
    folder = tmp_path_factory.mktemp("milvus-program")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, program: Path) -> Iterator[MilvusServer]:
    pytest.importorskip("milvus", reason="there is no wheel of Milvus for this machine")
    server = guarded(tmp_path_factory.mktemp("milvus"), program)
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.kill()
