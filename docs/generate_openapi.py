"""Write what the API says of itself into docs/openapi.json; run it after changing the API."""

from __future__ import annotations

import json
from pathlib import Path

from photofind.daemon.api import create_api

__all__ = ["PAGE", "document"]

PAGE = Path(__file__).with_name("openapi.json")


def document() -> str:
    """Return the OpenAPI document as it is now."""
    return json.dumps(create_api().openapi(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    PAGE.write_text(document(), "utf-8")
