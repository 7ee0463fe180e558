"""`photofind plugins new` creates a plugin that passes its own tests."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml
from click.testing import CliRunner
from plugin_project import run_own_tests

from photofind.cli import main
from photofind.errors import ExtractorError
from photofind.testing.project import write_project


@pytest.mark.slow
def test_a_new_plugin_passes_its_own_tests(tmp_path):
    result = CliRunner().invoke(main, ["plugins", "new", "first-light", "--in", str(tmp_path)])
    assert result.exit_code == 0, result.output
    project = tmp_path / "photofind-first-light"
    assert f"created the plugin {project}" in result.output
    files = {str(f.relative_to(project)) for f in project.rglob("*") if f.is_file()}
    assert files == {
        *("pyproject.toml", "README.md", "LICENSE", ".gitignore", ".github/workflows/tests.yml"),
        *("src/photofind_first_light/__init__.py", "src/photofind_first_light/extractor.py"),
        *("tests/conftest.py", "tests/test_first_light.py"),
    }
    # What is left in the workflow is filled by GitHub.
    assert not [file for file in files if re.search(r"\{\{\w", (project / file).read_text())]
    described = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    assert described["entry-points"]["photofind.extractors"] == {
        "first-light": "photofind_first_light:FirstLight"
    }
    workflow = yaml.safe_load((project / ".github/workflows/tests.yml").read_text())
    assert workflow["jobs"]["tests"]["steps"][-1] == {"run": "python -m pytest"}
    output = run_own_tests(project)
    assert "first-light: " in output  # Speed and memory.


@pytest.mark.parametrize("name", ["", "Sunset", "sun set", "../sunset", "2d", "class", "a--b"])
def test_invalid_names_are_refused(name, tmp_path):
    with pytest.raises(ExtractorError, match="name"):
        write_project(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path):
    assert write_project("photofind-sunset", tmp_path) == tmp_path / "photofind-sunset"
    with pytest.raises(ExtractorError, match=r"exists already"):
        write_project("sunset", tmp_path)
