"""The address of a library on a Milvus server, and the secrets that open it."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from photofind.errors import LibraryError
from photofind.library.locations import Machine, machine_of
from photofind.paths import Home

__all__ = ["Address", "parse_address"]

_FORM = "milvus://HOST:PORT/NAME"
_PORT = 19530
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TOKEN_FILE = "milvus.token"
_TEXTS = ("ca", "cert", "key", "server_name", "user", "password_file", "token_file", "database")
_OPTIONS = frozenset({*_TEXTS, "tls", "machine", "share", "timeout"})


@dataclass(frozen=True)
class Address:
    """Where a library is, and how it is reached.

    Parameters
    ----------
    host, port, name
        The server, and the library on it.
    database
        The database of the server that the library is in; "" for the default one.
    is_encrypted
        Whether TLS is spoken; so it is with any of the files that follow.
    authority, certificate, key
        Files in PEM: the certificate of who vouches for the server, and this client's own.
    server_name
        The name in the server's certificate, where it is not ``host``.
    user, password, token
        What the server is told; empty where it asks for nothing.
    machine
        This one, and where it mounts shares.
    seconds
        How long one request may take.
    """

    host: str
    port: int
    name: str
    database: str = ""
    is_encrypted: bool = False
    authority: str = ""
    certificate: str = ""
    key: str = ""
    server_name: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    machine: Machine = field(default_factory=lambda: machine_of(()))
    seconds: float = 20.0

    def __str__(self) -> str:
        return f"milvus://{self.host}:{self.port}/{self.name}"

    @property
    def server(self) -> str:
        """The server, for messages."""
        return f"the Milvus server {self.host}:{self.port}"


def parse_address(text: str, home: Home) -> Address:
    """Return what an address says, as in ``milvus://nas:19530/photos?tls=1&user=ada``.

    Parameters
    ----------
    text
        The setting ``store``. After ``?`` come, separated by ``&``: ``tls=1``; ``ca``, ``cert``,
        ``key``, files in PEM; ``server_name``; ``user`` with ``password_file``, or ``token_file``;
        ``database``; ``machine``, the name of this one; ``share=NAME:FOLDER``, as often as wanted;
        ``timeout``, in seconds.
    home
        A file ``milvus.token`` in it is the token where the address names no file.

    Raises
    ------
    LibraryError
        It is no such address, or a file with a secret cannot be read or can be read by others.
    """
    parts = urlsplit(text)
    try:
        port = parts.port or _PORT
    except ValueError:
        raise LibraryError(f"the port in the setting store is no port: {_shown(text)}") from None
    if parts.password is not None or parts.username is not None:
        raise LibraryError(
            "the setting store must hold no user and no password before the host",
            "write ?user=NAME&password_file=FILE, the password in a file that only you can read",
        )
    name = parts.path.strip("/")
    if parts.scheme != "milvus" or not parts.hostname or not _NAME.fullmatch(name):
        raise LibraryError(
            f"the setting store cannot be {_shown(text)}",
            f"it is {_FORM}; the name has letters, digits and underscores",
        )
    options: dict[str, str] = {}
    given = parse_qsl(parts.query, keep_blank_values=True)
    for option, value in given:
        if option not in _OPTIONS:
            known = ", ".join(sorted(_OPTIONS))
            raise LibraryError(
                f"the setting store has an option {option!r} that is not known", f"known: {known}"
            )
        options[option] = value
    token_file = options.get("token_file", "")
    if not token_file and "user" not in options and (home.root / _TOKEN_FILE).exists():
        token_file = str(home.root / _TOKEN_FILE)
    password_file = options.get("password_file", "")
    if ("user" in options) != bool(password_file):
        raise LibraryError("the setting store needs user and password_file together, or neither")
    files = {one: str(Path(options.get(one, "")).expanduser()) for one in ("ca", "cert", "key")}
    files = {one: file if options.get(one) else "" for one, file in files.items()}
    for file in filter(None, files.values()):
        if not Path(file).is_file():
            raise LibraryError(f"the certificate file {file} of the setting store is not there")
    return Address(
        parts.hostname,
        port,
        name,
        options.get("database", ""),
        options.get("tls", "") not in ("", "0", "false", "no") or any(files.values()),
        files["ca"],
        files["cert"],
        files["key"],
        options.get("server_name", ""),
        options.get("user", ""),
        _secret(password_file) if password_file else "",
        _secret(token_file) if token_file else "",
        machine_of(given),
        _seconds(options.get("timeout", "20")),
    )


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 600:
        raise LibraryError(f"the timeout {value!r} in the setting store is not 1 to 600 seconds")
    return seconds


def _secret(name: str) -> str:
    """Return the first line of a file that only its owner can read."""
    file = Path(name).expanduser()
    try:
        mode = file.stat().st_mode
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise LibraryError(f"the secret for Milvus in {file} cannot be read: {reason}") from None
    if os.name != "nt" and stat.S_IMODE(mode) & 0o077:
        raise LibraryError(
            f"others can read the secret for Milvus in {file}", f"run `chmod 600 {file}`"
        )
    if not text or "\n" in text:
        raise LibraryError(f"the secret for Milvus in {file} is not one line of text")
    return text


def _shown(text: str) -> str:
    """Return an address without what may be a secret in it."""
    return repr(re.sub(r"//[^/@]*@", "//…@", text.partition("?")[0]))
