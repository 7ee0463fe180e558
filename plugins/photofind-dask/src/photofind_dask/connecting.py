"""Connecting to the scheduler of a fleet: by mutual TLS, or not at all."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from photofind.errors import FleetError

if TYPE_CHECKING:
    from photofind.extractors.fleets import WorkOptions
    from photofind.paths import Home
    from photofind_dask.fleet import DaskFleet

__all__ = ["PORT", "Certificates", "connect", "find_certificates"]

PORT = 8786
_SECONDS = 10.0


@dataclass(frozen=True)
class Certificates:
    """The files of one who takes part in a fleet, PEM.

    Parameters
    ----------
    authority
        The certificate of who signed all others of the fleet.
    certificate, key
        Its own, and the private key.
    """

    authority: Path
    certificate: Path
    key: Path


def connect(home: Home, address: str, options: WorkOptions) -> DaskFleet:
    """Connect to a fleet; as :class:`photofind.extractors.fleets.FleetEngine`.

    Parameters
    ----------
    home
        Its folder ``fleet`` holds the certificates.
    address
        ``tls://HOST:PORT`` of the scheduler.

    Raises
    ------
    FleetError
        The address is not of TLS, certificates are missing or are not accepted, or there is no
        scheduler.
    """
    if not address.startswith("tls://"):
        raise FleetError(
            f"{address} is not encrypted, and a fleet is reached by tls:// alone",
            "start the scheduler with --protocol tls and certificates",
        )
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or PORT
    except ValueError:
        host = None
    if not host:
        raise FleetError(f"{address!r} is no address of a scheduler", "write tls://HOST:PORT")
    certificates = find_certificates(home)
    _shake_hands(address, host, port, certificates)

    from distributed import Client, Security

    from photofind_dask.fleet import DaskFleet

    for name in ("", ".client", ".comm", ".core", ".worker", ".utils_comm"):
        # Each has a level of its own; what matters is told by photofind.
        logging.getLogger(f"distributed{name}").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").addFilter(_is_not_of_dask)
    security = Security(
        require_encryption=True,
        tls_ca_file=str(certificates.authority),
        tls_client_cert=str(certificates.certificate),
        tls_client_key=str(certificates.key),
    )
    try:
        with warnings.catch_warnings():
            # Dask warns of packages that differ and that no task uses; photofind checks its own.
            warnings.simplefilter("ignore")
            client = Client(
                f"tls://{parts.netloc if parts.port else f'{parts.netloc}:{port}'}",
                security=security,
                timeout=_SECONDS,
                set_as_default=False,
                name="photofind",
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise FleetError(f"the fleet at {address} cannot be used: {_line(error)}") from error
    return DaskFleet(client, address, options)


def find_certificates(home: Home) -> Certificates:
    """Return the certificates in the folder ``fleet`` of a home.

    Raises
    ------
    FleetError
        One is missing, or others can read the key.
    """
    folder = home.root / "fleet"
    found = Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    for file in (found.authority, found.certificate, found.key):
        if not file.is_file():
            raise FleetError(
                f"there is no {file}, and a fleet is reached with certificates alone",
                "the README of photofind-dask shows how to make them",
            )
    if os.name != "nt" and found.key.stat().st_mode & 0o077:
        raise FleetError(f"others can read the key {found.key}", f"chmod 600 {found.key}")
    return found


def _shake_hands(address: str, host: str, port: int, certificates: Certificates) -> None:
    """Find out whether both sides accept each other, so that the reason can be told.

    Raises
    ------
    FleetError
        They do not, or nobody answers.
    """
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # As Dask: it is the authority that counts.
        context.load_verify_locations(certificates.authority)
        context.load_cert_chain(certificates.certificate, certificates.key)
    except (ssl.SSLError, OSError) as error:
        raise FleetError(
            f"the certificates in {certificates.key.parent} cannot be used: {_line(error)}"
        ) from error
    try:
        with (
            socket.create_connection((host, port), _SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as encrypted,
        ):
            # A scheduler speaks first; one that refuses the certificate says so only now.
            if not encrypted.recv(1):
                raise FleetError(f"the fleet at {address} closed the connection")
    except ssl.SSLCertVerificationError as error:
        raise FleetError(
            f"the fleet at {address} has a certificate that {certificates.authority} did not sign: "
            f"{error.verify_message}",
            "its certificates and those in the home have to be of one authority",
        ) from error
    except ssl.SSLError as error:
        raise FleetError(
            f"the fleet at {address} does not accept the certificate {certificates.certificate}: "
            f"{_line(error)}",
            "it has to be signed by the authority of the scheduler",
        ) from error
    except OSError as error:
        raise FleetError(
            f"the fleet at {address} cannot be reached: {_line(error)}",
            "is its scheduler running?",
        ) from error


def _is_not_of_dask(record: logging.LogRecord) -> bool:
    """Return whether an error that nobody waits for any more is to be told; Dask leaves some."""
    error = record.exc_info[1] if record.exc_info else None
    return not type(error).__module__.startswith("distributed")


def _line(error: Exception) -> str:
    return " ".join(f"{getattr(error, 'strerror', None) or error}".split())
