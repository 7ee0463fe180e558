"""Calls on the D-Bus session bus."""

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
    """Call a method of a service on the session bus and return its answer.

    Parameters
    ----------
    service, path, interface, method
        The service and the method.
    signature, body
        The types of the arguments, in D-Bus notation, and the arguments.
    seconds
        Timeout; the bus starts a service that is not running yet.

    Raises
    ------
    DesktopError
        If there is no bus, no such service, or no answer in time.
    """
    try:
        from jeepney import DBusAddress, DBusErrorResponse, MessageType, new_method_call
        from jeepney.io.blocking import open_dbus_connection
    except ImportError as error:  # jeepney is not installed on systems without D-Bus.
        raise DesktopError("there is no D-Bus session bus on this system") from error
    message = new_method_call(
        DBusAddress(path, service, interface), method, signature or None, body
    )
    try:
        with open_dbus_connection(_address()) as connection:
            answer = connection.send_and_get_reply(message, timeout=seconds)
    # RuntimeError: jeepney does not support the transport of the bus.
    except (OSError, EOFError, ValueError, RuntimeError) as error:
        raise DesktopError(f"{service} does not answer on the session bus: {error}") from error
    if answer.header.message_type is MessageType.error:
        raise DesktopError(f"{service} refused {method}: {DBusErrorResponse(answer)}")
    return tuple(answer.body)


def _address() -> str:
    """Return the address of the session bus; by default systemd's."""
    if named := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return named
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if not runtime:
        raise DesktopError("there is no session bus: this is not a desktop session")
    return f"unix:path={runtime}/bus"
