"""Put before all else on the path, it gives a daemon a library and a server that are simulated.

What they do wrong, ``PHOTOFIND_SIMULATED`` says: nothing by default.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType

FAULTS = os.environ.get("PHOTOFIND_SIMULATED", "").split()


class Resident:
    def __init__(self, home):
        if "locked" in FAULTS:
            from photofind.errors import LockedError

            raise LockedError(
                "another photofind is writing to the library", "wait until it is done"
            )
        if "broken" in FAULTS:
            raise RuntimeError("this is a bug")
        if "slow" in FAULTS:
            time.sleep(4)
        if "watchful" in FAULTS:
            from photofind.daemon import file_guard

            file_guard.LOOK_SECONDS, file_guard.AWAY_SECONDS, file_guard.OTHER_SECONDS = (
                0.05,
                0.2,
                0.2,
            )

    def start(self):
        pass

    def subscribe(self, listener):
        return lambda: None

    def look_at_files(self):
        pass

    def close(self):
        if "lingering" in FAULTS:
            time.sleep(1)
        while "stubborn" in FAULTS:
            time.sleep(1)


class Server:
    def __init__(self, resident, token, home):
        authorization = f"Bearer {token}"
        stop = self.stop

        from photofind.daemon.handshake import PROOF, proof

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self._answer(200)

            def do_POST(self):
                self._answer(202)
                if self.path == "/api/stop" and "deaf" not in FAULTS:
                    stop()

            def _answer(self, status):
                while "mute" in FAULTS:
                    time.sleep(1)
                path, _, question = self.path.partition("?question=")
                if path == PROOF:
                    answer = json.dumps({"proof": proof(token, self.server.server_port, question)})
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer.encode())
                    return
                known = self.headers["Authorization"] == authorization
                self.send_response(status if known else 401)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._stopping = threading.Event()

    @property
    def port(self):
        return self._http.server_address[1]

    def serve(self):
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        while not self._stopping.wait(0.05):
            pass

    def stop(self):
        self._stopping.set()


for name, kind in {"resident": Resident, "server": Server}.items():
    module = ModuleType(f"photofind.daemon.{name}")
    setattr(module, kind.__name__, kind)
    sys.modules[module.__name__] = module
