"""Plugins of this repository build on shared rooms alone, as those of others can."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(folder.parent for folder in (ROOT / "plugins").glob("*/src"))
SHARED = (
    "errors", "extractors", "images", "library.kinds", "library.locations", "library.lock",
    "library.store", "library.tags", "model", "paths", "ranking", "testing", "workers",
)  # fmt: skip


def imported(file: Path) -> Iterator[str]:
    """Yield the modules of photofind that a file imports, at its top or later."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("photofind."))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "photofind.library":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            elif node.module.startswith("photofind."):
                yield node.module


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_plugin_imports_shared_rooms_alone(plugin: Path) -> None:
    shared = tuple(f"photofind.{room}" for room in SHARED)
    for file in plugin.glob("src/**/*.py"):
        for module in imported(file):
            known = any(module == room or module.startswith(f"{room}.") for room in shared)
            assert known, f"{file.relative_to(ROOT)} imports {module}"
