"""How a client makes sure that it talks to the daemon before it sends the token.

Any program can listen on the port of a daemon that has ended. So the client asks a question, and
the daemon answers with a code that only the token can make: for that question and its own port, so
that no other server can pass the question on. That is done once for each connection.
"""

from __future__ import annotations

import hmac
import json
import os
import time

import h11

from photofind.daemon.exchange import Connection
from photofind.daemon.runtime import Runtime
from photofind.errors import DaemonError
from photofind.paths import Home
from photofind.system.held_lock import is_held

__all__ = [
    "ANSWER_SECONDS",
    "PROOF",
    "RESTART",
    "SilentDaemonError",
    "connect",
    "not_running",
    "proof",
]

PROOF = "/api/proof"
"""The path that a daemon proves itself at."""

RESTART = "`photofind daemon restart` restarts it"

ANSWER_SECONDS = 5.0
"""How long a daemon may take to prove itself; a busy machine may keep it waiting."""

_LONGEST = 1000
_FULL_SECONDS = 3.0
_PAUSE = 0.1


class SilentDaemonError(DaemonError):
    """The daemon runs and does not answer."""


def proof(token: str, port: int, question: str) -> str:
    """Return the code by which a daemon shows that it knows the token."""
    return hmac.new(token.encode(), f"daemon {port} {question}".encode(), "sha256").hexdigest()


def connect(home: Home, runtime: Runtime, seconds: float = ANSWER_SECONDS) -> Connection:
    """Return a connection to the daemon that a runtime file tells of, which has proven itself.

    The file's process is not looked at: in a container it may have another id. If the daemon has
    too many connections it is tried again for a few seconds.

    Raises
    ------
    SilentDaemonError
        It does not answer.
    DaemonError
        It does not run, or another server has its port.
    """
    full = time.monotonic() + min(_FULL_SECONDS, seconds)
    while not _has_ended(home):
        connection: Connection | None = None
        is_proven = False
        try:
            connection = Connection(runtime.port, seconds)
            status, is_proven = _ask(connection, runtime)
            if is_proven and connection.is_usable:
                return connection
            if not is_proven and status != 503:
                break
        except TimeoutError:
            raise SilentDaemonError(
                f"the daemon has not answered for {seconds:.0f} s", RESTART
            ) from None
        except ConnectionRefusedError:
            break
        except ConnectionError:  # It makes place for others, or ends.
            pass
        except (OSError, h11.ProtocolError, ValueError, OverflowError, RecursionError):
            break
        finally:
            if connection is not None and not is_proven:
                connection.close()
        if time.monotonic() > full:
            raise DaemonError("the daemon has too many connections", "try again in a few seconds")
        time.sleep(_PAUSE)
    raise not_running()


def not_running() -> DaemonError:
    """Return the error that no daemon runs."""
    return DaemonError("the daemon is not running", "start it with `photofind daemon start`")


def _ask(connection: Connection, runtime: Runtime) -> tuple[int, bool]:
    """Return the status of the answer, and whether it is the proof."""
    question = os.urandom(32).hex()
    response = connection.ask("GET", f"{PROOF}?question={question}")
    body = response.read(_LONGEST)
    if response.status != 200:
        return response.status, False
    answer = json.loads(body)
    said = answer.get("proof") if isinstance(answer, dict) else None
    expected = proof(runtime.token, runtime.port, question)
    return 200, isinstance(said, str) and hmac.compare_digest(
        said.encode("utf-8", "replace"), expected.encode()
    )


def _has_ended(home: Home) -> bool:
    """Return whether no process holds the daemon's lock, so that another may have its port."""
    try:
        return not is_held(home.daemon_lock)
    except OSError:  # The lock was removed, or the system does not tell.
        return False
