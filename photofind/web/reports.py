"""The report of an evaluation in the browser: a document that can do nothing but be read."""

from __future__ import annotations

import base64
import hashlib
import re

__all__ = ["report_headers"]

_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


def report_headers(page: bytes) -> dict[str, str]:
    """Return the headers of a report.

    Browsers run no script of it, load nothing from anywhere, and apply only the style that stands
    in its head. It is in a sandbox, so it is of no origin: not even of this server's.
    """
    style = _STYLE.search(page)
    digest = hashlib.sha256(style[1] if style else b"").digest()
    policy = (
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{base64.b64encode(digest).decode('ascii')}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "sandbox",
    )
    return {"content-security-policy": "; ".join(policy)}
