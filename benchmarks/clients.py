"""The daemon with many clients at once: answers per second, latencies and memory.

    python benchmarks/clients.py HOME [--clients 50] [--seconds 60]

HOME is a photofind home; without a library, one of 100,000 generated photos is created. Its daemon
is used if it is running, or started for the benchmark. Each client has one connection and sends one
request at a time: mostly for photos similar to one in the library, sometimes for the details of a
photo, and for a page of the newest photos.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import in_fresh_process, milliseconds, print_figures, print_table
from daemon import generated

from photofind.daemon.client import Client, connect_to_running
from photofind.daemon.lifecycle import Start, start, stop
from photofind.daemon.runtime import Runtime, read_runtime
from photofind.paths import Home


@dataclass
class Figures:
    """Latencies in seconds by kind of request, and the number of errors."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def requests(runtime: Runtime, photos: list[tuple[int, str]]) -> dict[str, list[bytes]]:
    """Return the encoded requests of each kind."""
    head = f"Host: 127.0.0.1:{runtime.port}\r\nAuthorization: Bearer {runtime.token}\r\n"

    def get(path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()

    def post(path: str, body: object) -> bytes:
        data = json.dumps(body)
        kind = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        return f"POST {path} HTTP/1.1\r\n{head}{kind}\r\n{data}".encode()

    return {
        "similar": [post("/api/similar", {"like": [path], "limit": 20}) for _, path in photos],
        "photo": [get(f"/api/photos/{number}") for number, _ in photos],
        "photos": [get(f"/api/photos?offset={50 * page}&limit=50") for page in range(20)],
    }


async def client(
    port: int, made: dict[str, list[bytes]], seed: int, until: float, figures: Figures
) -> None:
    """Send requests one after the other; reconnect after an error."""
    chance = random.Random(seed)
    kinds = chance.choices(list(made), (80, 10, 10), k=997)
    asked, writer = 0, None
    while time.perf_counter() < until:
        kind = kinds[asked % len(kinds)]
        asked += 1
        began = time.perf_counter()
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(chance.choice(made[kind]))
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(size)
            if head.split(b" ", 2)[1] != b"200":
                figures.errors[head.split(b"\r\n")[0].decode()] += 1
            figures.taken[kind].append(time.perf_counter() - began)
        except (OSError, EOFError, LookupError) as error:
            figures.errors[repr(error)] += 1
            writer = None


def ask(home: Home, photos: list[tuple[int, str]], clients: int, seconds: float) -> Figures:
    """Run this number of clients for ``seconds``."""
    runtime = read_runtime(home)
    assert runtime is not None
    made, figures = requests(runtime, photos), Figures()

    async def together() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(
            *(client(runtime.port, made, seed, until, figures) for seed in range(clients))
        )

    asyncio.run(together())
    return Figures(dict(figures.taken), dict(figures.errors))


def memory(connection: Client) -> dict[str, float]:
    """Return the resident memory of each process of the daemon, in MB."""
    daemon = connection.status().daemon
    assert daemon is not None
    return {process.name: round(process.memory / 1e6, 1) for process in daemon.processes}


def some_photos(connection: Client, count: int) -> list[tuple[int, str]]:
    photos = connection.photos(limit=10_000)
    chosen = random.Random(0).sample(photos, min(count, len(photos)))
    return [(photo.id, photo.path) for photo in chosen if photo.failure is None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("home", type=Path, help="a photofind home with a library")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--photos", type=int, default=100_000, help="number of generated photos")
    arguments = parser.parse_args()
    home = in_fresh_process(generated, arguments.home.absolute(), arguments.photos)
    with ExitStack() as stack:
        if start(home) is Start.STARTED:
            stack.callback(stop, home)
        connection = stack.enter_context(connect_to_running(home))
        photos = some_photos(connection, 1000)
        in_fresh_process(ask, home, photos, arguments.clients, 10.0)  # Warm-up.
        before = memory(connection)
        figures = in_fresh_process(ask, home, photos, arguments.clients, arguments.seconds)
        after = memory(connection)
        searched_by = connection.status().search.path
    every = [seconds for taken in figures.taken.values() for seconds in taken]
    rows: list[list[Any]] = [
        [kind, len(taken), round(len(taken) / arguments.seconds), *milliseconds(taken).values()]
        for kind, taken in {**figures.taken, "all": every}.items()
    ]
    print_table(["asked for", "answers", "a second", "p50, ms", "p99, ms"], rows)
    print_table(
        ["process", "MB before", "MB after"],
        [[name, before.get(name), after.get(name)] for name in {**before, **after}],
    )
    print_figures(
        "clients",
        {
            "photos": len(photos),
            "clients": arguments.clients,
            "searched by": searched_by,
            "answers a second": round(len(every) / arguments.seconds, 1),
            "ms": milliseconds(every),
            "errors": figures.errors,
            "megabytes before": before,
            "megabytes after": after,
        },
    )


if __name__ == "__main__":
    main()
