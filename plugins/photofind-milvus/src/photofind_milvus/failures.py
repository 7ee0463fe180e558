"""What failures of the Milvus client mean, in one line each."""

from __future__ import annotations

import socket
import ssl

import grpc

from photofind.errors import LibraryError
from photofind_milvus.address import Address

__all__ = ["explained", "is_loading", "refused"]


def is_loading(error: Exception) -> bool:
    """Return whether a failure means that the server has just started, and will answer."""
    text = str(error)
    return "not loaded" in text or "not fully loaded" in text or "no available shard" in text


_MEANINGS = (
    (
        ("auth check failure", "unauthenticated", "invalid token", "code=1400"),
        "refuses the user or the password",
        "look at user and password_file, or token_file, of the setting store",
    ),
    (
        ("permission deny", "privilege"),
        "does not permit that to this user",
        "have its administrator grant it",
    ),
    (
        ("quota", "deny to write", "denied to write", "no space left", "memory usage exceeded"),
        "is full and takes nothing more",
        "give it more disk or memory; what is committed stays",
    ),
    (
        ("database not found",),
        "has no such database",
        "have it made, or take another one in the setting store",
    ),
)


def explained(error: Exception, address: Address) -> LibraryError:
    """Return what a failure of the client means, in one line."""
    text = " ".join(str(error).split())
    lowered = text.casefold()
    for signs, meaning, hint in _MEANINGS:
        if any(sign in lowered for sign in signs):
            return LibraryError(f"{address.server} {meaning}", hint)
    if "deadline exceeded" in lowered or "deadline_exceeded" in lowered:
        return refused(address) or LibraryError(
            f"{address.server} does not answer within {address.seconds:.0f} s",
            "after its start it loads what it has; photofind goes on by itself once it answers",
        )
    is_away = (
        isinstance(error, grpc.RpcError)
        or "unavailable" in lowered
        or "fail connecting" in lowered
        or "not ready" in lowered
        or "not healthy" in lowered
    )
    if is_away:
        return _unreachable(address)
    reason = getattr(error, "message", "") or text
    return LibraryError(f"{address.server} failed: {' '.join(str(reason).split())[:300]}")


def _unreachable(address: Address) -> LibraryError:
    """Return why a server cannot be reached: looked at without the client, which does not tell."""
    if reason := refused(address):
        return reason
    if address.user or address.token:  # The client does not tell this from a server that starts.
        return LibraryError(
            f"{address.server} refuses the user or the password, or has just started",
            "look at user and password_file, or token_file, of the setting store",
        )
    wanted = "a user" if address.is_encrypted else "a user, or TLS (tls=1)"
    hint = f"look whether it has just started, or wants {wanted}"
    return LibraryError(f"{address.server} does not answer", hint)


def refused(address: Address) -> LibraryError | None:
    """Return why there is no connection to a server; None where there is."""
    try:
        with socket.create_connection((address.host, address.port), timeout=3) as plain:
            if address.is_encrypted:
                _greet(address, plain)
    except ssl.SSLCertVerificationError as error:
        return LibraryError(
            f"the certificate of {address.server} is not trusted: {error.verify_message}",
            "look at ca and server_name of the setting store",
        )
    except ssl.SSLError as error:
        return LibraryError(
            f"{address.server} and this machine agree on no encryption: {error.reason or error}",
            "look at tls, cert and key of the setting store",
        )
    except OSError as error:
        return LibraryError(
            f"{address.server} cannot be reached: {error.strerror or error}",
            "look whether it runs, and at the setting store",
        )
    return None


def _greet(address: Address, plain: socket.socket) -> None:
    context = ssl.create_default_context(cafile=address.authority or None)
    if address.certificate:
        context.load_cert_chain(address.certificate, address.key or None)
    context.set_alpn_protocols(["h2"])
    with context.wrap_socket(plain, server_hostname=address.server_name or address.host):
        pass
