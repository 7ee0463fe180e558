"""Libraries for tests: making the collections of one takes seconds, so they are emptied instead."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from milvus_server import MilvusServer
from pymilvus import MilvusClient

__all__ = ["address_of", "certificate", "emptied", "guarded"]

_PASSWORD = "Milvus"


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Return a certificate of localhost that is made, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    public, key = folder / f"{name}.pem", folder / f"{name}.key"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run(
        ["openssl", "req", *kind, *names, "-out", public, "-keyout", key],
        check=True,
        capture_output=True,
    )
    return public, key


def guarded(folder: Path, program: Path) -> MilvusServer:
    """Return a server that speaks TLS alone and asks for a password."""
    public, key = certificate(folder, "server")
    password = folder / "password"
    password.write_text(_PASSWORD)
    password.chmod(0o600)
    return MilvusServer(folder / "server", program, certificate=public, key=key, with_users=True)


def address_of(server: MilvusServer, name: str, options: str = "") -> str:
    """Return the address of a library on a guarded server, as the one who may has it."""
    assert server.certificate is not None
    own = f"ca={server.certificate}&user=root&password_file={server.certificate.parent}/password"
    return f"milvus://localhost:{server.port}/{name}?{own}{options}"


def emptied(server: MilvusServer, name: str) -> str:
    """Delete all that is in a library, if it is there; return its address."""
    client = MilvusClient(
        f"https://localhost:{server.port}",
        user="root",
        password=_PASSWORD,
        secure=True,
        server_pem_path=str(server.certificate),
        server_name="localhost",
    )
    for collection in client.list_collections():
        if collection.startswith(f"{name}_"):
            key = "number" if collection.endswith("_commits") else "born"
            for part in client.list_partitions(collection):
                if part != "_default":
                    client.release_partitions(collection, [part])
                    client.drop_partition(collection, part)
            client.delete(collection, filter=f"{key} >= 0")
    client.close()
    return address_of(server, name)
