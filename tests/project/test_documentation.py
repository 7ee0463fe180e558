"""The documentation is complete, and what is said in several places is the same."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [
    *ROOT.glob("*.md"),
    *(page for folder in ("docs", "plugins", "packaging", "benchmarks", ".github")
      for page in (ROOT / folder).rglob("*.md") if ".pytest_cache" not in page.parts),
]  # fmt: skip


@pytest.mark.skipif(
    importlib.util.find_spec("mkdocstrings") is None, reason="`pip install '.[docs]'` is not done"
)
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "Operations.similar" in (tmp_path / "reference/python/index.html").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_pages_that_the_code_names_are_there() -> None:
    sources = [
        *(path for suffix in ("py", "template") for path in ROOT.glob(f"photofind/**/*.{suffix}")),
        *ROOT.glob("tests/**/*.py"),
        *ROOT.glob("plugins/*/src/**/*.py"),
        *ROOT.glob("docs/*.py"),
    ]
    named = {
        (name, str(source.relative_to(ROOT)))
        for source in sources
        for name in re.findall(r"\bdocs/[\w/.-]+\.(?:md|json)\b", source.read_text("utf-8"))
    }
    assert named
    assert [(name, source) for name, source in sorted(named) if not (ROOT / name).exists()] == []


def test_tests_that_pages_name_are_there() -> None:
    named = {
        (name, page.name)
        for page in PAGES
        for name in re.findall(r"`(tests/[\w/.-]+\.py)`", page.read_text("utf-8"))
    }
    assert {page for _, page in named} >= {"security.md"}
    assert [(name, page) for name, page in sorted(named) if not (ROOT / name).exists()] == []


def test_every_promise_of_the_security_page_names_tests() -> None:
    tests = {path.name: path.read_text("utf-8") for path in ROOT.glob("tests/**/test_*.py")}
    page = (ROOT / "docs/develop/security.md").read_text("utf-8")
    tables = page.partition("## What another user tries")[2].partition("## Hostile files")[0]
    rows = [line.strip("|").split("|") for line in tables.splitlines() if line.startswith("|")]
    missing = []
    for promise, named in rows:
        words = re.findall(r"`([\w.]+)`", named)
        if set(promise) <= {"-"} or promise.strip() in ("way in", "promise"):
            continue
        file = ""
        for word in words:
            is_file = word.endswith(".py")
            if is_file:
                file = tests.get(word, "")
            if not file or not (is_file or f"def {word}(" in file):
                missing.append((promise, word))
        if not words:
            missing.append((promise, named))
    assert len(rows) > 20
    assert missing == []


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    command = "python -m pip install -e '.[test]' && python -m pytest"
    assert f"```sh\n{command}\n```" in README
    assert f"\n{command}\n" in (ROOT / ".ci/run").read_text("utf-8")


def test_the_readme_names_the_packages_that_continuous_integration_installs() -> None:
    script = (ROOT / ".ci/run").read_text("utf-8")
    installed = re.search(r"system_packages=\((.*?)\)", script, re.DOTALL)
    named = re.search(r"apt-get install (.*?)```", README, re.DOTALL)
    assert installed
    assert named
    assert installed[1].split() == named[1].replace("\\", "").split()


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs/develop/adr"
    records = sorted(page.name for page in folder.glob("0*.md"))
    assert re.findall(r"\((0\S+\.md)\)", (folder / "index.md").read_text("utf-8")) == records
    assert [int(name[:4]) for name in records] == [*range(1, len(records) + 1)]
