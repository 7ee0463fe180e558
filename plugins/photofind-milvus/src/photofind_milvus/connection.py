"""Requests to a Milvus server: one client, whose failures are one line each."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import grpc
from pymilvus import DataType, MilvusClient, MilvusException

from photofind.library.store import Array32
from photofind_milvus.address import Address
from photofind_milvus.failures import explained, is_loading, refused

__all__ = ["Connection", "Row"]

_Value = TypeVar("_Value")
Row = dict[str, Any]

_MOST_ROWS = 16_384
"""So many rows one answer of the server may have."""
_PAGE = 1000
_CONNECT_SECONDS = 10.0
# Right after its start a server knows a collection before it answers from it.
_LOADING_SECONDS = 60.0
_LONG_SECONDS = 120.0
_POLL_SECONDS = 0.5

# It reports each failure at length, which is said in one line here.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
log = logging.getLogger(__name__)


class Connection:
    """What a store asks of its server; threads may share it.

    Collections that are not there count as empty ones.

    Parameters
    ----------
    address
        Where the server is.

    Raises
    ------
    LibraryError
        The server does not answer, or refuses.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._marks = _marks_of(str(address))
        self._opening = threading.Lock()
        self._client: MilvusClient | None = None
        self._tables: set[str] = set()
        self._partitions: dict[str, set[str]] = {}
        self.written = 0
        self._is_away = True
        self.look_for_tables()

    def close(self) -> None:
        """Close the connection."""
        with self._opening:
            if self._client is not None:
                self._client.close()
            self._client = None

    @property
    def mark(self) -> int:
        """Up to when writes are seen, as the server counts time; the same in all of a process."""
        return self._marks[0]

    def note(self, mark: int) -> None:
        """See to it that what was written up to a time is seen by all requests that follow."""
        with _noting:
            self._marks[0] = max(self._marks[0], mark)

    # Collections.

    def look_for_tables(self) -> None:
        """Look which collections of the library there are."""
        prefix = f"{self.address.name}_"
        names = self._asked(lambda client: client.list_collections(timeout=self.address.seconds))
        self._tables = {name[len(prefix) :] for name in names if name.startswith(prefix)}

    def has(self, table: str) -> bool:
        """Return whether a collection is known to be there."""
        return table in self._tables

    def description(self, table: str) -> str:
        """Return what a collection was described as when it was made."""
        name = self._name(table)
        found = self._asked(
            lambda client: client.describe_collection(name, timeout=self.address.seconds)
        )
        return str(found.get("description", ""))

    def make(
        self,
        table: str,
        fields: Sequence[tuple[str, DataType, dict[str, Any]]],
        index: dict[str, Any],
        description: str = "",
    ) -> None:
        """Make a collection where there is none, and have the server answer from it.

        Parameters
        ----------
        table
            Its name in the library.
        fields
            Name, type and parameters of each field; the first one is the key.
        index
            The index of its vectors.
        description
            What is remembered with it.
        """
        if self.has(table):
            return
        name = self._name(table)
        schema = MilvusClient.create_schema(enable_dynamic_field=False, description=description)
        for place, (field, kind, parameters) in enumerate(fields):
            schema.add_field(field, kind, is_primary=place == 0, **parameters)
        indexes = MilvusClient.prepare_index_params()
        indexes.add_index("vector", **index)

        long = self._long

        def create(client: MilvusClient) -> None:
            # Another daemon may be doing the same.
            if not client.has_collection(name, timeout=long):
                client.create_collection(
                    name, schema=schema, consistency_level="Session", timeout=long
                )
            client.create_index(name, indexes, timeout=long)
            client.load_collection(name, timeout=long)

        self._asked(create)
        self._tables.add(table)

    def load(self) -> None:
        """Have the server answer from all collections of the library, where it does not."""
        for table in sorted(self._tables):
            name = self._name(table)
            self._asked(partial(self._load, name))

    def _load(self, name: str, client: MilvusClient) -> None:
        state = client.get_load_state(name, timeout=self.address.seconds)
        if "NotLoad" in str(state.get("state")):
            client.load_collection(name, timeout=self._long)

    def make_part(self, table: str, part: str) -> None:
        """Make a part of a collection where there is none."""
        if part in self.parts(table):
            return
        name = self._name(table)

        long = self._long

        def create(client: MilvusClient) -> None:
            if not client.has_partition(name, part, timeout=long):
                client.create_partition(name, part, timeout=long)
            client.load_partitions(name, [part], timeout=long)

        self._asked(create)
        self._partitions.setdefault(table, set()).add(part)

    def parts(self, table: str) -> set[str]:
        """Return the parts of a collection that are known, looked for where none is."""
        if not self.has(table):
            return set()
        if table not in self._partitions:
            self.look_for_parts(table)
        return self._partitions[table]

    def look_for_parts(self, table: str) -> set[str]:
        """Return the parts that a collection has now."""
        name = self._name(table)
        found = self._asked(
            lambda client: client.list_partitions(name, timeout=self.address.seconds)
        )
        self._partitions[table] = {str(one) for one in found} - {"_default"}
        return self._partitions[table]

    def drop_part(self, table: str, part: str) -> None:
        """Remove a part of a collection with all its rows."""
        if part not in self.look_for_parts(table):
            return
        name = self._name(table)

        def drop(client: MilvusClient) -> None:
            client.release_partitions(name, [part], timeout=self._long)
            client.drop_partition(name, part, timeout=self._long)

        self._asked(drop)
        self._partitions[table].discard(part)

    # Rows.

    def settle(self) -> None:
        """Wait until other processes see what was written: the server tells them a little later."""
        if self.written:
            self.query("commits", "number < 0", ["number"], limit=1, mark=self.written)

    def upsert(self, table: str, rows: Sequence[Row], part: str = "") -> int:
        """Put rows, each in place of the one with its key; return when, as the server counts.

        Requests wait for them once the time is noted (:meth:`note`).
        """
        mark = 0
        for start in range(0, len(rows), _PAGE):
            mark = self._put(table, list(rows[start : start + _PAGE]), part)
            with _noting:
                self.written = max(self.written, mark)
        return mark

    def _put(self, table: str, rows: list[Row], part: str) -> int:
        name = self._name(table)

        def put(client: MilvusClient) -> int:
            # Its public methods do not tell when it was written.
            server = client._get_connection()
            done = server.upsert_rows(name, rows, partition_name=part, timeout=self.address.seconds)
            return int(done.timestamp)

        return self._asked(put)

    def delete(self, table: str, expression: str, part: str = "") -> None:
        """Delete the rows that an expression is true of."""
        if not self.has(table):
            return
        name = self._name(table)

        def delete(client: MilvusClient) -> int:
            server = client._get_connection()
            done = server.delete(
                name,
                expression,
                partition_name=part or None,
                timeout=self.address.seconds,
            )
            return int(done.timestamp)

        mark = self._asked(delete)
        with _noting:
            self.written = max(self.written, mark)

    def query(
        self,
        table: str,
        expression: str,
        fields: Sequence[str],
        *,
        part: str = "",
        limit: int = _MOST_ROWS,
        mark: int | None = None,
    ) -> list[Row]:
        """Return rows that an expression is true of, at most ``limit``.

        ``mark`` says up to what time writes are to be seen, with 0 all that anybody has written,
        which takes longer; where not given, all that are noted.
        """
        if not self._is_there(table, part):
            return []
        name = self._name(table)
        found = self._asked(
            lambda client: client.query(
                name,
                filter=expression,
                output_fields=list(fields),
                limit=limit,
                partition_names=[part] if part else None,
                consistency_level="Strong" if mark == 0 else "Customized",
                guarantee_timestamp=self._since(mark),
                timeout=self.address.seconds,
            )
        )
        return list(found)

    def count(self, table: str, expression: str, *, part: str = "") -> int:
        """Return how many rows an expression is true of."""
        if not self._is_there(table, part):
            return 0
        name = self._name(table)
        found = self._asked(
            lambda client: client.query(
                name,
                filter=expression,
                output_fields=["count(*)"],
                partition_names=[part] if part else None,
                consistency_level="Customized",
                guarantee_timestamp=self._since(None),
                timeout=self.address.seconds,
            )
        )
        return int(found[0]["count(*)"])

    def pages(
        self,
        table: str,
        expression: str,
        fields: Sequence[str],
        *,
        part: str = "",
        size: int = _PAGE,
        mark: int | None = None,
    ) -> Iterator[list[Row]]:
        """Yield all rows that an expression is true of, in the order of their keys."""
        # The first one waits for what was written; most answers are no longer than that.
        first = self.query(table, expression, fields, part=part, limit=size, mark=mark)
        if len(first) < size:
            if first:
                yield first
            return
        name = self._name(table)
        pages = self._asked(
            lambda client: client.query_iterator(
                name,
                batch_size=size,
                filter=expression,
                output_fields=list(fields),
                partition_names=[part] if part else None,
                guarantee_timestamp=self._since(mark),
                timeout=self.address.seconds,
            )
        )
        try:
            while page := self._asked(lambda _: pages.next()):
                yield list(page)
        finally:
            pages.close()

    def search(
        self,
        table: str,
        queries: Collection[Any] | Array32,
        expression: str,
        fields: Sequence[str],
        count: int,
        *,
        part: str,
        mark: int | None = None,
    ) -> list[list[tuple[float, Row]]]:
        """Return the nearest rows of each query that an expression is true of, best first."""
        if not self._is_there(table, part) or not count:
            return [[] for _ in queries]
        name = self._name(table)
        count = min(count, _MOST_ROWS)
        found = self._asked(
            lambda client: client.search(
                name,
                data=list(queries),
                filter=expression,
                limit=count,
                output_fields=list(fields),
                partition_names=[part],
                search_params={"metric_type": "COSINE", "params": {"ef": max(2 * count, 128)}},
                consistency_level="Customized",
                guarantee_timestamp=self._since(mark),
                timeout=self.address.seconds,
            )
        )
        return [[(float(hit["distance"]), dict(hit["entity"])) for hit in hits] for hits in found]

    def flush(self, table: str) -> None:
        """Have the server put what was written into its storage, and index it."""
        name = self._name(table)
        self._asked(lambda client: client.flush(name, timeout=self._long))

    def wait_for_index(self, table: str, rows: int, seconds: float) -> None:
        """Wait until so many vectors are indexed; at most some seconds."""
        name = self._name(table)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self._asked(
                lambda client: client.describe_index(name, "vector", timeout=self._long)
            )
            if int(found.get("indexed_rows", 0)) >= rows:
                return
            time.sleep(_POLL_SECONDS)

    # The client.

    def _name(self, table: str) -> str:
        return f"{self.address.name}_{table}"

    def _since(self, mark: int | None) -> int:
        return max(1, self.mark if mark is None else mark)

    def _is_there(self, table: str, part: str) -> bool:
        return self.has(table) and (
            not part or part in self.parts(table) or part in self.look_for_parts(table)
        )

    @property
    def _long(self) -> float:
        """How many seconds what takes long may take."""
        return max(_LONG_SECONDS, self.address.seconds)

    def _asked(self, request: Callable[[MilvusClient], _Value]) -> _Value:
        """Return the server's answer; it is asked again while it starts."""
        until = time.monotonic() + _LOADING_SECONDS
        if self._is_away and (reason := refused(self.address)):
            raise reason  # The client would try for as long as a request may take.
        while True:
            try:
                self._is_away = False
                return request(self._opened())
            except (MilvusException, grpc.RpcError, ValueError) as error:
                if is_loading(error) and time.monotonic() < until:
                    time.sleep(0.2)
                    continue
                log.info("Milvus: %s", error)
                self._is_away = True
                raise explained(error, self.address) from error

    def _opened(self) -> MilvusClient:
        with self._opening:
            if self._client is None:
                self._client = _connected(self.address)
            return self._client


_noting = threading.Lock()
_known_marks: dict[str, list[int]] = {}


def _marks_of(address: str) -> list[int]:
    """Return what all connections of this process to a library share."""
    with _noting:
        return _known_marks.setdefault(address, [0])


def _connected(address: Address) -> MilvusClient:
    options: dict[str, Any] = {}
    if address.is_encrypted:
        options["secure"] = True
        if address.certificate or address.key:
            options["client_pem_path"] = address.certificate
            options["client_key_path"] = address.key
            options["ca_pem_path"] = address.authority
        elif address.authority:
            options["server_pem_path"] = address.authority
        if address.server_name or address.authority:
            options["server_name"] = address.server_name or address.host
    scheme = "https" if address.is_encrypted else "http"
    host = f"[{address.host}]" if ":" in address.host else address.host
    return MilvusClient(
        f"{scheme}://{host}:{address.port}",
        user=address.user,
        password=address.password,
        token=address.token,
        db_name=address.database,
        timeout=min(_CONNECT_SECONDS, address.seconds),
        dedicated=True,  # Shared ones are those of an address, whatever certificate is trusted.
        **options,
    )
