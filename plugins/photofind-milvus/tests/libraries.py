"""Libraries for tests: making the collections of one takes seconds, so they are emptied instead."""

from __future__ import annotations

from milvus_server import MilvusServer
from pymilvus import MilvusClient

__all__ = ["address_of", "emptied"]


def address_of(server: MilvusServer, name: str, options: str = "") -> str:
    return f"milvus://127.0.0.1:{server.port}/{name}{options}"


def emptied(server: MilvusServer, name: str) -> str:
    """Delete all that is in a library, if it is there; return its address."""
    client = MilvusClient(f"http://127.0.0.1:{server.port}")
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
