"""What a browser does that is given a door."""

from __future__ import annotations

import re
from contextlib import closing
from html import unescape
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from waiting import patience

__all__ = ["follow_door"]


def follow_door(door: str) -> str:
    """Open the address of a door, and the link in it; return where that leads on to."""
    address = urlsplit(door)
    assert address.scheme == "file"
    link = urlsplit(_led_to(Path(url2pathname(address.path)).read_text("utf-8")))
    with closing(HTTPConnection("127.0.0.1", link.port, timeout=patience(30))) as connection:
        connection.request("GET", link.path, headers={"Host": link.netloc})
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["set-cookie"]
        return _led_to(answer.read().decode())


def _led_to(page: str) -> str:
    found = re.search('<meta http-equiv=refresh content="0; url=([^"]*)">', page)
    assert found
    return unescape(found[1])
