"""What the server or the network says, as one line for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from photofind.errors import LibraryError

__all__ = ["explained", "is_lost", "told"]

_AGAIN = "photofind goes on by itself once it answers"

# By parts of what is said when a connection is refused, and what to do about that.
_REFUSED = (
    ("password authentication failed", "put the right password into ~/.pgpass, which is 0600"),
    (
        "no password supplied",
        "write it into ~/.pgpass, which is 0600: HOST:PORT:NAME:USER:PASSWORD",
    ),
    ("certificate", "name the certificate of its authority by sslrootcert= in the address"),
    ("does not support SSL", "switch TLS on there, or leave out sslmode= in the address"),
    ("no pg_hba.conf entry", "let this machine and user in, in pg_hba.conf there"),
    ("not permitted to log in", "let that role log in, or name another one"),
    ("does not exist", "create it there, or correct the address"),
    ("definition of service", "look at the service file"),
    ("invalid", "correct the address"),
)

# What libpq adds to a failure.
_GUESSES = (" This probably means", " Is the server running")


def is_lost(error: BaseException) -> bool:
    """Return whether a connection was lost, or could not be made: another one may do."""
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) and not isinstance(
        error, (errors.DiskFull, errors.QueryCanceled, errors.LockNotAvailable, errors.OutOfMemory)
    )


def explained(error: psycopg.Error, where: str) -> LibraryError:
    """Return what an error means to a person; ``where`` names the server."""
    said = " ".join((error.diag.message_primary or str(error)).split())
    match error:
        case errors.DiskFull():
            return LibraryError(f"the disk of {where} is full", "free some space there; " + _AGAIN)
        case errors.ReadOnlySqlTransaction():
            return LibraryError(f"{where} can only be read", "name the server that is written to")
        case errors.InsufficientPrivilege():
            return LibraryError(
                f"{where} refuses: {said}", "grant the role of the address the right"
            )
        case errors.UndefinedTable() | errors.UndefinedObject() | errors.InvalidParameterValue():
            return LibraryError(f"the library on {where} changed meanwhile", "try again")
        case errors.LockNotAvailable() | errors.DeadlockDetected() | errors.SerializationFailure():
            return LibraryError(f"others hold the library on {where}", "try again later")
        case errors.TooManyConnections():
            return LibraryError(f"{where} has no connection left", "raise max_connections there")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            last = said.rpartition("failed: ")[2] or said
            for guess in _GUESSES:
                last = last.partition(guess)[0]
            for part, hint in _REFUSED:
                if part in last:
                    return LibraryError(f"{where} refuses: {last}", hint)
            return LibraryError(f"{where} does not answer: {last}", _AGAIN)
    return LibraryError(f"{where} refuses: {said}", "see the log of that server")


@contextmanager
def told(where: str) -> Iterator[None]:
    """Raise what the server says as an error for people."""
    try:
        yield
    except psycopg.Error as error:
        raise explained(error, where) from error
