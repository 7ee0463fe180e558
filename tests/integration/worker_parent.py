"""A parent for the tests of workers to end: starts a child, tells its id, and calls it."""

from __future__ import annotations

import json
import os
import sys
import threading
import time

from photofind.workers import Worker


def main(method, seconds, timeout, arguments):
    """Call ``method`` (if any) in a thread, wait for a line, and live for ``seconds`` more."""
    worker = Worker("worker_services:Service", name="test", environment=dict(os.environ))
    worker.call("greet", timeout=30)
    print(worker.pid, flush=True)

    def call():
        worker.call(method, timeout=timeout, note=lambda _: print("busy", flush=True), **arguments)

    if method:
        threading.Thread(target=call, daemon=True).start()
    sys.stdin.readline()
    time.sleep(seconds)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
