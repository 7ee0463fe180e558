"""Write the description of the API to docs/reference/openapi.json; run it after a change."""

from __future__ import annotations

import json
from pathlib import Path

from photofind.daemon.api import create_api

__all__ = ["PAGE", "document"]

PAGE = Path(__file__).parent / "reference/openapi.json"


def document() -> str:
    """Return the OpenAPI document as it is now."""
    return json.dumps(create_api().openapi(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    PAGE.write_text(document(), "utf-8")
