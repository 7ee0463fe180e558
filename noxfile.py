"""What developers run: ``nox`` runs the fast sessions in the current environment."""

from __future__ import annotations

import nox

nox.options.sessions = ["docs", "lint", "types", "fast"]
nox.options.default_venv_backend = "none"

PYTHONS = ["3.11", "3.12", "3.13"]


@nox.session
def fast(session: nox.Session) -> None:
    """Run the fast tests, on all processors: less than a minute on two."""
    fast_tests = ("tests/unit", "-m", "not slow", "--numprocesses=auto", "--dist=worksteal")
    session.run("python", "-m", "pytest", *fast_tests, *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests, two files at once."""
    session.run("python", "-m", "pytest", "--numprocesses=2", "--dist=loadfile", *session.posargs)


@nox.session(python=PYTHONS, venv_backend="virtualenv|venv")
def pythons(session: nox.Session) -> None:
    """Run all tests with every supported Python, in environments of their own."""
    session.install("-e", ".[test]")
    tests(session)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, and that rooms import from floors below only."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Write what is generated anew, and build the documentation to ``site/``."""
    session.run("python", "docs/generate_cli.py")
    session.run("python", "docs/generate_operations.py")
    session.run("python", "docs/generate_openapi.py")
    session.run("mkdocs", "build", "--strict", *session.posargs)
