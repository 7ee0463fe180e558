"""The store on PostgreSQL, as a whole."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Self

from photofind_postgres.photo_calls import PhotoCalls
from photofind_postgres.space_calls import SpaceCalls

__all__ = ["PostgresStore"]


class PostgresStore(PhotoCalls, SpaceCalls):
    """A library on a server; any number of processes and machines may write to it.

    Parameters
    ----------
    address
        Where it is, and who asks.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._sessions.close()

    @property
    def version(self) -> Hashable:
        """The library and how many commits it has seen."""
        return f"{self._identity} {self._sessions.revision}"

    @property
    def problems(self) -> list[str]:
        """Nothing: what is damaged, the server says."""
        return []

    @property
    def bytes(self) -> int:
        """How large the tables of the library are on the server."""
        return int(
            self._sessions.fetch(
                "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c"
                " WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r'",
                [self._address.library],
            )[0][0]
        )

    @property
    def processes(self) -> Mapping[str, int]:
        """Nothing: the server has its own."""
        return {}

    def refresh(self) -> bool:
        """Take in what others have committed; return whether there was anything."""
        return self._sessions.refresh()

    def warm_up(self, space: str) -> None:
        """Do nothing: the server keeps in memory what is asked for."""

    def release_memory(self) -> None:
        """Close the connections that are not in use."""
        self._sessions.give_up()
