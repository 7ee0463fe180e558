"""Start a scheduler or a worker of a fleet, with what is safe: mutual TLS, and no page beside it.

``python -m photofind_dask scheduler HOST[:PORT]`` and ``python -m photofind_dask worker
tls://HOST[:PORT]`` take the certificates from the folder ``fleet`` of photofind's home.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from photofind.errors import PhotofindError
from photofind.paths import Home
from photofind_dask.connecting import PORT, find_certificates

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Start what the arguments name, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m photofind_dask", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    scheduler = kinds.add_parser("scheduler", help="what photofind and the workers connect to")
    scheduler.add_argument("host", metavar="HOST[:PORT]", help="where others reach this machine")
    worker = kinds.add_parser("worker", help="reads photos on this machine")
    worker.add_argument("scheduler", metavar="tls://HOST[:PORT]")
    worker.add_argument("--host", help="where others reach this machine, if it has several")
    options = parser.parse_args(arguments)
    try:
        files = find_certificates(Home.default())
    except PhotofindError as error:
        print(f"photofind: {error.message}\n  {error.hint}", file=sys.stderr)
        return 1
    own = ["--tls-ca-file", files.authority, "--tls-cert", files.certificate]
    # Dask answers HTTP beside its own protocol, without asking who it is.
    own += ["--tls-key", files.key, "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    if options.kind == "scheduler":
        from distributed.cli.dask_scheduler import main as start

        host, _, port = options.host.partition(":")
        own += ["--protocol", "tls", "--host", host, "--port", port or PORT]
    else:
        from distributed.cli.dask_worker import main as start

        if not options.scheduler.startswith("tls://"):
            parser.error("the scheduler of a fleet is reached by tls:// alone")
        # One process reads with all processors; a second share waits while it reads the first.
        own += ["--nworkers", 1, "--nthreads", 2, options.scheduler]
        own += ["--host", options.host] if options.host else []
    start([str(one) for one in own])
    return 0


if __name__ == "__main__":
    sys.exit(main())
