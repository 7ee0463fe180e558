"""``file://`` addresses, as desktops and browsers give them."""

from __future__ import annotations

import os
import sys
from urllib.parse import unquote_to_bytes

__all__ = ["local_path"]


def local_path(address: str) -> str | None:
    """Return the path of a ``file://`` address of this machine; None where it is none.

    The path may hold any bytes, percent-encoded (RFC 8089); the host is empty or "localhost".
    """
    scheme, separator, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    if not separator or scheme.lower() != "file" or host.lower() not in ("", "localhost"):
        return None
    raw = unquote_to_bytes(slash + path)
    if sys.platform == "win32":
        return os.fsdecode(raw).lstrip("/").replace("/", "\\")
    return os.fsdecode(raw)
