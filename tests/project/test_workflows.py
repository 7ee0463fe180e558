"""The workflows say what GitHub understands, and run with every Python that is supported."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PYTHONS = [name.rpartition(" ")[2] for name in PROJECT["classifiers"] if ":: Python :: 3." in name]


def load(path: Path) -> dict[str, Any]:
    """Return a YAML document; the key ``on`` is no boolean to GitHub."""
    loaded: dict[str, Any] = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)
    return loaded


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_is_complete(path: Path) -> None:
    workflow = load(path)
    assert {"name", "on", "permissions", "jobs"} <= workflow.keys()
    for job in workflow["jobs"].values():
        assert "runs-on" in job
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1"))
        matrix = job.get("strategy", {}).get("matrix", {})
        used = set(re.findall(r"\${{ matrix\.(\w+) }}", str(job)))
        assert used == matrix.keys() - {"exclude"}


def test_every_python_and_system_is_tested() -> None:
    matrix = load(ROOT / ".github/workflows/ci.yml")["jobs"]["tests"]["strategy"]["matrix"]
    assert matrix["python"] == PYTHONS
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]
    assert f"PYTHONS = {PYTHONS}".replace("'", '"') in (ROOT / "noxfile.py").read_text("utf-8")


@pytest.mark.parametrize(
    "name", [".pre-commit-config.yaml", ".github/ISSUE_TEMPLATE/bug.yml",
             ".github/ISSUE_TEMPLATE/idea.yml"],
)  # fmt: skip
def test_the_others_are_yaml(name: str) -> None:
    assert load(ROOT / name).keys() & {"repos", "body"}
