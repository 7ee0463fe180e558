"""The lock: every version, with address and checksum, of what photofind depends on."""

from __future__ import annotations

from building.project import PACKAGING, ROOT, run, tool
from building.tree import LOCK

__all__ = ["write_lock"]


def write_lock() -> None:
    """Write the lock for all systems and Pythons that photofind supports, newest versions."""
    compilation = [tool("uv"), "pip", "compile", "--quiet", "--no-config", "--universal"]
    options = ["--python-version", "3.11", "--format", "pylock.toml", "--no-header", "--upgrade"]
    sources = ["pyproject.toml", PACKAGING / "linux" / "requirements.in"]
    run([*compilation, *options, "--output-file", LOCK, *sources], cwd=ROOT)
