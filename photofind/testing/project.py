"""Creating the project of a new plugin, complete with passing tests."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from photofind.errors import ExtractorError
from photofind.system.disk import explain_disk_errors

__all__ = ["write_project"]

# Files of the template, and their paths in the project.
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "LICENSE": "LICENSE",
    "gitignore": ".gitignore",
    "workflow": ".github/workflows/tests.yml",
    "src/__init__.py": "src/{{package}}/__init__.py",
    "src/extractor.py": "src/{{package}}/extractor.py",
    "tests/conftest.py": "tests/conftest.py",
    "tests/test_extractor.py": "tests/test_{{module}}.py",
}


def write_project(name: str, folder: Path) -> Path:
    """Create the project of a plugin whose extractor is called ``name``.

    Parameters
    ----------
    name
        Lower-case letters, digits and dashes.
    folder
        The parent folder of the project's folder ``photofind-<name>``.

    Returns
    -------
    Path
        The project's folder.

    Raises
    ------
    ExtractorError
        If the name is invalid, or the folder exists already.
    LibraryError
        If a file cannot be written.
    """
    short = name.removeprefix("photofind-")
    module = short.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", short, re.ASCII) or len(short) > 40:
        raise ExtractorError(
            f"{name!r} cannot be the name of an extractor",
            "use lower-case letters and digits, with dashes between them",
        )
    if keyword.iskeyword(module):
        raise ExtractorError(f"{name!r} is a Python keyword", "choose another name")
    words = {
        "name": short,
        "module": module,
        "distribution": f"photofind-{short}",
        "package": f"photofind_{module}",
        "class": "".join(word.capitalize() for word in short.split("-")),
    }
    project = folder / words["distribution"]
    if project.exists():
        raise ExtractorError(f"{project} exists already", "choose another name, or remove it")
    with explain_disk_errors(project):
        for path, text in _files(words):
            file = project / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
    return project


def _files(words: dict[str, str]) -> Iterator[tuple[str, str]]:
    template = files("photofind.testing").joinpath("template")
    for source, target in _FILES.items():
        text = template.joinpath(f"{source}.template").read_text("utf-8")
        yield _filled(target, words), _filled(text, words)


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace("{{" + word + "}}", value)
    return text
