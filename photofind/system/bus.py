"""The session bus, D-Bus: what one part of a desktop asks another."""

from __future__ import annotations

import os
from typing import Any

from photofind.errors import DesktopError

__all__ = ["call"]


def call(
    service: str,
    path: str,
    interface: str,
    method: str,
    signature: str = "",
    *body: Any,
    seconds: float = 10.0,
) -> tuple[Any, ...]:
    """Ask a service of the session and return what it answers.

    Parameters
    ----------
    service, path, interface, method
        Whom to ask, and what.
    signature, body
        The types of the arguments, in D-Bus's notation, and the arguments.
    seconds
        How long the answer may take; a service that does not run yet is started by the bus.

    Raises
    ------
    DesktopError
        If there is no bus, nobody of that name, or no answer in time.
    """
    try:
        from jeepney import DBusAddress, DBusErrorResponse, MessageType, new_method_call
        from jeepney.io.blocking import open_dbus_connection
    except ImportError as error:  # It is not installed on systems without D-Bus.
        raise DesktopError("there is no session bus here") from error
    message = new_method_call(
        DBusAddress(path, service, interface), method, signature or None, body
    )
    try:
        with open_dbus_connection(_address()) as connection:
            answer = connection.send_and_get_reply(message, timeout=seconds)
    # The last is what jeepney says of buses that are reached otherwise.
    except (OSError, EOFError, ValueError, RuntimeError) as error:
        raise DesktopError(f"{service} does not answer on the session bus: {error}") from error
    if answer.header.message_type is MessageType.error:
        raise DesktopError(f"{service} refuses {method}: {DBusErrorResponse(answer)}")
    return tuple(answer.body)


def _address() -> str:
    """Return where the session's bus is; without a word on that, where systemd has it."""
    if named := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return named
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if not runtime:
        raise DesktopError("there is no session bus: this is not the session of a desktop")
    return f"unix:path={runtime}/bus"
