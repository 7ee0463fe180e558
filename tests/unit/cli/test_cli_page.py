"""docs/reference/cli.md agrees with the commands' help."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_holds_the_help_of_every_command() -> None:
    generate = runpy.run_path(str(DOCS / "generate_cli.py"))
    page = (DOCS / "reference/cli.md").read_text("utf-8")
    assert generate["with_help"](page) == page, "run docs/generate_cli.py"
    assert "### `photofind similar`" in page
    assert "### `photofind folders add`" in page
