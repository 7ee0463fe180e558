"""Files for file managers, parsed and run the way the file managers do."""

from __future__ import annotations

import os
import plistlib
import re
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from fake_program import ODD_NAMES, FakeProgram
from waiting import patience

from photofind.daemon.service import command as daemon_command
from photofind.desktop.application import Application
from photofind.desktop.command import Command
from photofind.desktop.file_managers import nautilus
from photofind.desktop.file_managers.caja import Caja
from photofind.desktop.file_managers.dolphin import Dolphin
from photofind.desktop.file_managers.finder import Finder
from photofind.desktop.file_managers.nautilus import Nautilus
from photofind.desktop.file_managers.nemo import Nemo
from photofind.desktop.file_managers.pcmanfm import PCManFM
from photofind.desktop.integration import MARK, Integration, OwnFile, OwnFiles, State
from photofind.errors import DesktopError
from photofind.paths import Home

LINUX: list[type[OwnFiles]] = [Application, Nautilus, Nemo, Caja, Dolphin, PCManFM]
PATHS = [b"/photos/" + name for name in ODD_NAMES]


FOLDER = b"/media/me/it's a CARD 100%"


def of_photos(integration: OwnFiles) -> OwnFile:
    """Return a file that puts an entry into the menu of photos."""
    return next(file for path, file in integration.files().items() if "similar" in path.name)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def key_file_value(content: bytes, key: str) -> str:
    """Unescape a value like GLib and Qt."""
    line = re.search(rf"^{key}=(.*)$".encode(), content, re.MULTILINE)
    assert line
    escapes = {"\\s": " ", "\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\"}
    return re.sub(r"\\.", lambda found: escapes[found[0]], line[1].decode())


def split(line: str) -> list[str]:
    """Split words like the specification, GLib and KDE; shlex unescapes less."""
    found = re.findall(r'"((?:[^"\\]|\\["`$\\])*)"|([^\s"\']+)', line)
    return [re.sub(r'\\(["`$\\])', r"\1", quoted) or plain for quoted, plain in found]


def run_as_key_file(exec_line: str, paths: list[bytes]) -> None:
    """Split into words, then replace %F by files, in the order of the specification."""
    words: list[bytes] = []
    for word in split(exec_line):
        if word == "%F":
            words += paths
        else:
            assert not re.search("%[^%]", word.replace("%%", ""))
            words.append(os.fsencode(word.replace("%%", "%")))
    subprocess.run(words, check=True, timeout=patience(30))


@pytest.mark.parametrize("kind", [*LINUX, Finder])
def test_installing_is_idempotent_and_removing_keeps_other_files(
    kind: type[OwnFiles], command: Command, home_folder: Path
) -> None:
    other = home_folder / "data/nemo/actions/other.nemo_action"
    other.parent.mkdir(parents=True)
    other.write_text("[Nemo Action]\n")
    before = tree(home_folder)
    integration = kind(command)
    assert integration.status() is State.ABSENT
    assert integration.install()
    assert integration.status() is State.INSTALLED
    installed = tree(home_folder)
    assert installed.keys() > before.keys()
    assert not integration.install()
    assert not kind(command).install()
    assert tree(home_folder) == installed
    assert integration.remove()
    assert not integration.remove()
    assert integration.status() is State.ABSENT
    assert tree(home_folder) == before


@pytest.mark.parametrize("kind", [*LINUX, Finder])
def test_removing_removes_new_folders(
    kind: type[OwnFiles], command: Command, home_folder: Path
) -> None:
    before = sorted(home_folder.rglob("*"))
    integration = kind(command)
    integration.install()
    integration.remove()
    left = [path for path in sorted(home_folder.rglob("*")) if path not in before]
    assert left in ([], [home_folder / "Library"])


@pytest.mark.parametrize("kind", [*LINUX, Finder])
def test_another_photofind_is_outdated_and_is_replaced(
    kind: type[OwnFiles], command: Command, home_folder: Path
) -> None:
    kind(Command(("/old/photofind",))).install()
    integration = kind(command)
    assert integration.status() is State.OUTDATED
    assert integration.install()
    assert integration.status() is State.INSTALLED
    assert integration.remove()
    assert not any(
        "/old/photofind" in content.decode("latin-1") for content in tree(home_folder).values()
    )


def test_a_foreign_script_of_the_same_name_is_kept(command: Command, home_folder: Path) -> None:
    script = home_folder / "config/caja/scripts/Find similar photos"
    script.parent.mkdir(parents=True)
    script.write_text('#!/bin/sh\nphotofind similar --open -- "$@"\n')
    caja = Caja(command)
    with pytest.raises(DesktopError, match="does not belong to photofind"):
        caja.install()
    assert not caja.remove()
    assert caja.status() is State.ABSENT
    assert "photofind similar" in script.read_text()


def test_a_linked_folder_stays_a_link(command: Command, home_folder: Path) -> None:
    (home_folder / "dotfiles").mkdir()
    (home_folder / "config/caja").symlink_to(home_folder / "dotfiles")
    Caja(command).install()
    assert (home_folder / "dotfiles/scripts/Find similar photos").exists()
    Caja(command).remove()
    assert (home_folder / "config/caja").is_symlink()


@pytest.mark.parametrize(
    ("kind", "variable"),
    [(Nautilus, "NAUTILUS_SCRIPT_SELECTED_URIS"), (Caja, "CAJA_SCRIPT_SELECTED_URIS")],
)
@pytest.mark.parametrize("paths", [PATHS, PATHS[3:4]], ids=["many", "one"])
def test_scripts_pass_on_every_name(
    kind: type[OwnFiles],
    variable: str,
    paths: list[bytes],
    command: Command,
    fake_photofind: FakeProgram,
) -> None:
    integration = kind(command)
    integration.install()
    script = next(path for path in integration.files() if path.name == "Find similar photos")
    uris = ["file://" + quote_from_bytes(path, safe="/!$&'()*+,;=:@~") for path in paths]
    subprocess.run(
        [script, "relative name"],
        env=os.environ | {variable: "".join(f"{uri}\n" for uri in uris)},
        check=True,
        timeout=patience(30),
    )
    (call,) = fake_photofind.calls()
    assert call == [b"similar", b"--open", b"--uris", b"--", *map(str.encode, uris)]


def test_nemo_runs_the_command_with_every_name(
    command: Command, fake_photofind: FakeProgram
) -> None:
    file = of_photos(Nemo(command))
    assert b"\nQuote=double\n" in file.content
    uris = ["file://" + quote_from_bytes(path, safe="/!$&'()*+,;=:@~") for path in PATHS]
    line = key_file_value(file.content, "Exec")
    assert line.endswith(" %U")
    words = split(line[:-2].replace("%%", "%") + " ".join(f'"{uri}"' for uri in uris))
    subprocess.run(words, check=True, timeout=patience(30))
    assert fake_photofind.calls() == [
        [b"similar", b"--open", b"--uris", b"--", *map(str.encode, uris)]
    ]


@pytest.mark.parametrize("kind", [Dolphin, PCManFM])
def test_entries_run_the_command_with_every_name(
    kind: type[OwnFiles], command: Command, fake_photofind: FakeProgram
) -> None:
    for path, file in kind(command).files().items():
        fake_photofind.forget()
        line = key_file_value(file.content, "Exec")
        if "similar" in path.name:
            run_as_key_file(line, PATHS)
            assert fake_photofind.calls() == [[b"similar", b"--open", b"--", *PATHS]]
        else:
            assert b"inode/directory" in file.content
            run_as_key_file(line.replace("%f", "%F"), [FOLDER])
            assert fake_photofind.calls() == [[b"known", b"--open", b"--", FOLDER]]


def test_nemo_offers_what_is_new_for_one_folder(
    command: Command, fake_photofind: FakeProgram
) -> None:
    files = {path.name: file.content for path, file in Nemo(command).files().items()}
    content = files["photofind-known.nemo_action"]
    assert b"\nSelection=s\n" in content
    assert b"\nExtensions=dir;\n" in content
    line = key_file_value(content, "Exec")
    uri = "file://" + quote_from_bytes(FOLDER)
    words = split(line[:-2].replace("%%", "%") + f'"{uri}"')
    subprocess.run(words, check=True, timeout=patience(30))
    assert fake_photofind.calls() == [[b"known", b"--open", b"--", uri.encode()]]


def test_the_desktop_entry_opens_the_page_with_every_name(
    command: Command, fake_photofind: FakeProgram, home_folder: Path
) -> None:
    Application(command).install()
    entry = (home_folder / "data/applications/photofind.desktop").read_bytes()
    run_as_key_file(key_file_value(entry, "Exec"), PATHS)
    assert fake_photofind.calls() == [[b"gallery", b"--", *PATHS]]


def test_the_workflow_of_finder_runs_the_command_with_every_name(
    command: Command, fake_photofind: FakeProgram
) -> None:
    files = {
        (path.parents[1].stem, path.name): plistlib.loads(file.content)
        for path, file in Finder(command).files().items()
    }
    (action,) = files["Find similar photos", "document.wflow"]["actions"]
    parameters = action["action"]["ActionParameters"]
    assert parameters["inputMethod"] == 1
    script = parameters["COMMAND_STRING"]
    subprocess.run(
        [parameters["shell"], "-c", script, "-", *PATHS], check=True, timeout=patience(30)
    )
    assert fake_photofind.calls() == [[b"similar", b"--open", b"--", *PATHS]]
    (service,) = files["Find similar photos", "Info.plist"]["NSServices"]
    assert service["NSSendFileTypes"] == ["public.image"]
    (service,) = files["Which of these are new?", "Info.plist"]["NSServices"]
    assert service["NSSendFileTypes"] == ["public.folder"]
    (action,) = files["Which of these are new?", "document.wflow"]["actions"]
    script = action["action"]["ActionParameters"]["COMMAND_STRING"]
    assert "known --open -- " in script


class Selected:
    """A file as Nautilus passes it to an extension; paths that are not UTF-8 are bytes."""

    def __init__(self, path: bytes | None, mime_type: str = "image/jpeg") -> None:
        self._path, self._mime_type = path, mime_type

    def get_mime_type(self) -> str:
        return self._mime_type

    def get_location(self) -> Selected:
        return self

    def get_path(self) -> str | None:
        return None if self._path is None else os.fsdecode(self._path)


class MenuItem:
    def __init__(self, **properties: str) -> None:
        self.properties = properties

    def connect(self, signal: str, callback: Callable[..., None], *data: object) -> None:
        assert signal == "activate"
        self.activate = lambda: callback(self, *data)


@pytest.fixture
def extension(
    command: Command, monkeypatch: pytest.MonkeyPatch, home_folder: Path
) -> types.SimpleNamespace:
    """The extension, loaded like by nautilus-python, with a fake Nautilus module."""
    monkeypatch.setattr(nautilus, "_loads_extensions", lambda: True)
    Nautilus(command).install()
    path = home_folder / "data/nautilus-python/extensions/photofind_similar.py"
    gi, repository = types.ModuleType("gi"), types.ModuleType("gi.repository")
    gi.require_version = lambda name, version: None  # type: ignore[attr-defined]
    repository.GObject = types.SimpleNamespace(GObject=type("GObject", (), {}))  # type: ignore[attr-defined]
    repository.Nautilus = types.SimpleNamespace(  # type: ignore[attr-defined]
        MenuProvider=type("MenuProvider", (), {}), MenuItem=MenuItem
    )
    monkeypatch.setitem(sys.modules, "gi", gi)
    monkeypatch.setitem(sys.modules, "gi.repository", repository)
    namespace: dict[str, object] = {}
    exec(compile(path.read_bytes(), path, "exec"), namespace)
    return types.SimpleNamespace(**namespace)


@pytest.mark.parametrize("arguments", [(), ("window",)], ids=["4.0", "3.0"])
def test_the_extension_of_nautilus_runs_the_command_with_every_name(
    extension: types.SimpleNamespace, arguments: tuple[str, ...], fake_photofind: FakeProgram
) -> None:
    provider = extension.PhotofindSimilar()
    (item,) = provider.get_file_items(*arguments, [Selected(path) for path in PATHS])
    assert item.properties["label"] == "Find similar photos"
    item.activate()
    assert fake_photofind.wait_for_calls() == [[b"similar", b"--open", b"--", *PATHS]]


def test_the_extension_of_nautilus_offers_what_is_new_for_one_folder(
    extension: types.SimpleNamespace, fake_photofind: FakeProgram
) -> None:
    folder = Selected(FOLDER, "inode/directory")
    (item,) = extension.PhotofindSimilar().get_file_items([folder])
    assert item.properties["label"] == "Which of these are new?"
    item.activate()
    assert fake_photofind.wait_for_calls() == [[b"known", b"--open", b"--", FOLDER]]


@pytest.mark.parametrize(
    "files",
    [
        [],
        [Selected(b"/a.jpg"), Selected(b"/b.txt", "text/plain")],
        [Selected(b"/a", "inode/directory"), Selected(b"/b", "inode/directory")],
        [Selected(None, "inode/directory")],
        [Selected(None)],
    ],
)
def test_the_extension_of_nautilus_ignores_other_files(
    extension: types.SimpleNamespace, files: list[Selected]
) -> None:
    assert extension.PhotofindSimilar().get_file_items(files) == []


def test_the_extension_is_removed_without_nautilus_python(
    extension: types.SimpleNamespace,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    home_folder: Path,
) -> None:
    monkeypatch.setattr(nautilus, "_loads_extensions", lambda: False)
    assert Nautilus(command).install()
    assert not (home_folder / "data/nautilus-python").exists()
    assert not Nautilus(command).install()


@pytest.mark.parametrize("kind", [*LINUX, Finder])
def test_every_file_contains_the_mark(kind: type[OwnFiles], command: Command) -> None:
    for path, file in kind(command).files().items():
        assert MARK.encode() in file.content, path


@pytest.mark.parametrize("kind", [Nemo, Dolphin, PCManFM, Application])
def test_invalid_names_are_an_error(kind: type[Integration], home_folder: Path) -> None:
    with pytest.raises(DesktopError, match="is not valid text"):
        kind(Command((os.fsdecode(b"/opt/\xff/photofind"),))).install()
    assert tree(home_folder) == {}


@pytest.mark.skipif(os.name == "nt", reason="commands on Windows are Python with the package")
def test_the_command_of_a_package_is_known_by_its_link(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PHOTOFIND_HOME", raising=False)
    (script,) = Command.installed().words
    for name, target in (("another", "/bin/sh"), ("photofind", script)):
        (tmp_path / name).symlink_to(target)
    links = (tmp_path / "missing", tmp_path / "another", tmp_path / "photofind")
    monkeypatch.setattr("photofind.desktop.command._LINKS", links)
    assert Command.installed().words == (str(tmp_path / "photofind"),)


def test_an_app_image_is_started_as_the_file_that_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PHOTOFIND_HOME", raising=False)
    before = Command.installed().words
    monkeypatch.setenv("APPIMAGE", "/downloads/photofind.AppImage")
    monkeypatch.setenv("APPDIR", str(tmp_path))  # Another one, which started this process.
    assert Command.installed().words == before
    monkeypatch.setattr("sys.prefix", str(tmp_path / "opt/photofind"))
    assert Command.installed().words == ("/downloads/photofind.AppImage",)
    words = daemon_command(Home(tmp_path / "home"))
    assert words[:3] == ["/downloads/photofind.AppImage", "daemon", "run"]


def test_photofind_home_is_part_of_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PHOTOFIND_HOME", str(tmp_path / "other home"))
    words = Command.installed().words
    environment = {"PATH": os.defpath, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    done = subprocess.run(
        [*words, "config", "--json"], capture_output=True, timeout=patience(60), env=environment
    )
    assert done.returncode == 0, done.stderr
    assert words[:2] == ("/usr/bin/env", f"PHOTOFIND_HOME={tmp_path / 'other home'}")
