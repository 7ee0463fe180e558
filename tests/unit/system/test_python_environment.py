"""Where plugins cannot be installed, one line says so and what to do."""

from __future__ import annotations

import sys
import sysconfig

import pytest

from photofind.errors import ExtractorError
from photofind.system import python_environment
from photofind.system.python_environment import install, uninstall


@pytest.fixture
def commands(monkeypatch):
    """The commands that would be run."""
    given = []
    monkeypatch.setattr(python_environment, "_run", lambda command, _: given.append(command))
    return given


def test_pip_is_used_where_it_is(commands):
    install(["photofind-sunset"], upgrade=True)
    install([".[test]"], editable=True)
    uninstall("photofind-sunset")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    assert commands == [
        [*pip, "install", "--no-input", "--upgrade", "photofind-sunset"],
        [*pip, "install", "--no-input", "-e", ".[test]"],
        [*pip, "uninstall", "--yes", "photofind-sunset"],
    ]


def test_uv_is_used_where_there_is_no_pip(commands, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}" if name == "uv" else None)
    install(["photofind-sunset"])
    assert commands == [
        ["/bin/uv", "pip", "install", "--python", sys.executable, "photofind-sunset"]
    ]
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ExtractorError, match="neither pip nor uv") as caught:
        install(["photofind-sunset"])
    assert "ensurepip" in caught.value.hint


def test_pipx_is_used_where_it_made_the_environment(commands, monkeypatch, tmp_path):
    prefix = tmp_path / "photofind"
    prefix.mkdir()
    (prefix / "pipx_metadata.json").write_text("{}")
    monkeypatch.setattr(sys, "prefix", str(prefix))
    # Python 3.13 looks for packages below a prefix that changed.
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(prefix))
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    install(["photofind-sunset"])
    uninstall("photofind-sunset")
    assert commands == [
        ["/bin/pipx", "inject", "photofind", "photofind-sunset"],
        ["/bin/pipx", "uninject", "photofind", "photofind-sunset"],
    ]


def test_the_python_of_the_system_is_left_alone(commands, monkeypatch, tmp_path):
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(ExtractorError, match="which only the system's package manager") as caught:
        install(["photofind-sunset"])
    assert "pipx install photofind" in caught.value.hint
    assert commands == []


def test_what_cannot_be_written_to_is_named(commands, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / "nowhere"))
    with pytest.raises(ExtractorError, match="cannot be written to"):
        uninstall("photofind-sunset")
    assert commands == []


def test_an_installer_that_fails_is_named(capfd, tmp_path):
    with pytest.raises(ExtractorError, match="was not installed") as caught:
        python_environment._run(
            [sys.executable, "-m", "pip", "install", str(tmp_path / "nothing.whl")],
            "nothing.whl was not installed",
        )
    assert caught.value.hint == "pip says why, above"
    assert "nothing.whl" in capfd.readouterr().err
