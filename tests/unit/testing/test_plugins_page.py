"""docs/develop/add-an-extractor.md is correct, and its examples work."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest
from plugin_project import run_own_tests

from photofind.errors import ExtractorError
from photofind.extractors.protocol import (
    ABILITIES,
    PROTOCOL,
    DerivedExtractor,
    Extractor,
    Threaded,
)
from photofind.testing import CHECKS, check_extractor
from photofind.testing.project import write_project

PAGE = Path(__file__).parents[3] / "docs/develop/add-an-extractor.md"
TEXT = PAGE.read_text("utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL))
EXAMPLES = {
    code.splitlines()[0].removeprefix("# "): code
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
}


def run(title: str) -> types.SimpleNamespace:
    """Run an example as a module."""
    name = "example_of_the_page"
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(EXAMPLES[title], title, "exec"), module.__dict__)
    return types.SimpleNamespace(**module.__dict__)


def test_the_page_lists_every_attribute():
    documented = set(re.findall(r"^\| `(\w+)` \| ", TEXT, re.MULTILINE))
    assert set(Extractor.__annotations__) | set(Threaded.__annotations__) <= documented
    assert set(DerivedExtractor.__annotations__) <= documented
    assert f"| `protocol` | `{PROTOCOL}`" in TEXT
    for attribute in ("batch_size", "aspect", "device", "idle_seconds"):
        assert attribute in documented
    assert "| `describe(" in TEXT
    for ability in ABILITIES:
        assert f"| `{ability}(" in TEXT


def test_the_page_lists_every_check():
    promised = re.findall(r" \| `(\w+)` \|$", TEXT, re.MULTILINE)
    assert promised == [check.__name__.removeprefix("check_") for check in CHECKS]


@pytest.mark.slow
def test_the_first_plugin_passes_its_tests(tmp_path):
    project = write_project("sunset", tmp_path)
    generated = (project / "tests/test_sunset.py").read_text("utf-8")
    title = "tests/test_sunset.py"
    assert EXAMPLES[title].removeprefix(f"# {title}\n").split("\n\n\n")[1].strip() in generated
    title = "src/photofind_sunset/extractor.py"
    assert (project / title).exists()
    (project / title).write_text(EXAMPLES[title])
    output = run_own_tests(project)
    assert f"{len(CHECKS) - 8 + 1} passed, 8 skipped" in output
    assert re.search(r"sunset: .* pictures per second", output)


def test_the_entry_point_of_the_page_is_the_one_of_a_new_project(tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    project = write_project("sunset", tmp_path)
    assert block in (project / "pyproject.toml").read_text("utf-8")


def test_a_file_beside_the_code_is_read(tmp_path, monkeypatch):
    (tmp_path / "package_of_the_page/data").mkdir(parents=True)
    (tmp_path / "package_of_the_page/__init__.py").touch()
    (tmp_path / "package_of_the_page/data/weights.bin").write_bytes(b"weights")
    monkeypatch.syspath_prepend(tmp_path)
    assert run("a file beside the code").read("package_of_the_page", "weights.bin") == b"weights"


def test_the_example_with_abilities_conforms():
    check_extractor(run("an extractor with abilities").Brightness)


def test_the_derived_example_conforms():
    check_extractor(run("an extractor on the embeddings of another").Compact)


def test_missing_weights_are_reported(tmp_path):
    with pytest.raises(ExtractorError, match=r"put tiny.h5 into .*; `python -m photofind_tiny"):
        run("weights that are missing").weights(tmp_path / "tiny.h5")


def test_the_commands_exist():
    page = (PAGE.parents[1] / "reference/cli.md").read_text("utf-8")
    commands = re.findall(r"^photofind ((?:(?:extractors|plugins|config) )?[a-z]+)", SHELL, re.M)
    commands += re.findall(r"`photofind (?:--debug )?((?:extractors|plugins|config) [a-z]+)", TEXT)
    assert len(commands) > 20
    for command in commands:
        assert f"### `photofind {command}`" in page, command
    options = set(re.findall(r"photofind .* (--[a-z-]+)", TEXT)) - {"--debug"}
    assert {option for option in options if option not in page} == set()


def test_no_example_is_left_out():
    assert set(EXAMPLES) == {
        *("src/photofind_sunset/extractor.py", "tests/test_sunset.py", "a file beside the code"),
        *("an extractor with abilities", "an extractor on the embeddings of another"),
        *("an extractor on a network", "weights that are missing"),
    }
    # The one on a network is run where TensorFlow may be: in integration/.
