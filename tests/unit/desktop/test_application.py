"""The desktop entry, its icon and metainfo, and what keeps it from becoming a default program."""

from __future__ import annotations

import re
import runpy
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from photofind.desktop.application import Application, desktop_entry
from photofind.desktop.command import Command
from photofind.desktop.icon import IconState, draw
from photofind.desktop.integration import State
from photofind.desktop.mime_types import PHOTO_MIME_TYPES
from photofind.images.formats import PHOTO_SUFFIXES

ROOT = Path(__file__).parents[3]
MIME_GLOBS = Path("/usr/share/mime/globs2")


@pytest.fixture
def entry(home_folder: Path) -> Path:
    return home_folder / "data/applications/photofind.desktop"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on the path."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def write_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def claimed(entry: Path) -> list[str]:
    lines = [line for line in entry.read_text().splitlines() if line.startswith("MimeType=")]
    return [kind for line in lines for kind in line.removeprefix("MimeType=").split(";") if kind]


def test_default_programs_are_kept(programs: Path, entry: Path, command: Command) -> None:
    # Like gio: a user's entry takes precedence over the system's by default.
    write_program(
        programs / "gio",
        'case "$2" in image/jpeg) echo "Default application for x: viewer.desktop" ;;'
        f'*) grep -q "$2;" {entry} && echo "Default application for x: photofind.desktop" ;; esac',
    )
    application = Application(command)
    assert application.install()
    assert claimed(entry) == ["image/jpeg"]
    again = Application(command)
    assert again.status() is State.INSTALLED
    assert not again.install()


def test_without_gio_all_photo_types_are_listed(
    programs: Path, entry: Path, command: Command
) -> None:
    write_program(programs / "gio", "exit 1")
    Application(command).install()
    assert claimed(entry) == list(PHOTO_MIME_TYPES)


@pytest.mark.skipif(not shutil.which("gio"), reason="gio (libglib2.0-bin) is not installed")
@pytest.mark.skipif(
    not shutil.which("update-desktop-database"), reason="desktop-file-utils is not installed"
)
def test_the_real_gio_keeps_the_default_program(home_folder: Path, command: Command) -> None:
    viewer = home_folder / "system-data/applications/viewer.desktop"
    viewer.parent.mkdir(parents=True)
    viewer.write_text(
        "[Desktop Entry]\nType=Application\nName=Viewer\nExec=true %F\nMimeType=image/jpeg;\n"
    )
    subprocess.run(["update-desktop-database", viewer.parent], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_DIRS", f"{home_folder / 'system-data'}:/usr/share")
        Application(command).install()
        told = subprocess.run(["gio", "mime", "image/jpeg"], capture_output=True, text=True)
    assert "viewer.desktop" in told.stdout.splitlines()[0]


def test_the_entry_for_packages_is_the_one_that_is_installed() -> None:
    packaged = (ROOT / "packaging/linux/photofind.desktop").read_text()
    assert packaged == desktop_entry(Command(("photofind", "gallery", "--")), PHOTO_MIME_TYPES)
    metainfo = "photofind.metainfo.xml"
    assert (ROOT / "packaging/linux" / metainfo).read_bytes() == (
        ROOT / "photofind/desktop/assets" / metainfo
    ).read_bytes()


@pytest.mark.skipif(
    not shutil.which("desktop-file-validate"), reason="desktop-file-utils is not installed"
)
def test_the_entry_is_valid(entry: Path, command: Command) -> None:
    Application(command).install()
    for path in (entry, ROOT / "packaging/linux/photofind.desktop"):
        checked = subprocess.run(["desktop-file-validate", path], capture_output=True, text=True)
        assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.skipif(not shutil.which("appstreamcli"), reason="appstream is not installed")
def test_the_metainfo_is_valid() -> None:
    metainfo = ROOT / "packaging/linux/photofind.metainfo.xml"
    checked = subprocess.run(
        ["appstreamcli", "validate", "--no-net", metainfo], capture_output=True, text=True
    )
    assert "Validation" in checked.stdout, checked.stderr
    faults = re.findall(r"^[EW]: \S+ (\S+)", checked.stdout, re.MULTILINE)
    # The publisher adds a homepage.
    assert set(faults) <= {"url-homepage-missing"}, checked.stdout


@pytest.mark.skipif(not MIME_GLOBS.exists(), reason="shared-mime-info is not installed")
def test_all_photo_types_of_the_system_are_listed() -> None:
    rules = [line.split(":") for line in MIME_GLOBS.read_text().splitlines() if ":" in line]
    known = {
        glob.removeprefix("*"): kind
        for _, kind, glob, *_ in reversed(rules)
        if kind.startswith("image/")
    }
    missing = {s: known[s] for s in PHOTO_SUFFIXES & known.keys()}
    assert {s: kind for s, kind in missing.items() if kind not in PHOTO_MIME_TYPES} == {}


def test_the_icon_files_are_up_to_date() -> None:
    recipe = runpy.run_path(str(ROOT / "packaging/icons/draw_icons.py"))
    for size in recipe["SIZES"]:
        with Image.open(recipe["ASSETS"] / f"photofind-{size}.png") as icon:
            assert icon.size == (size, size)
            difference = ImageChops.difference(icon.convert("RGBA"), draw(IconState.IDLE, size))
            # Versions of Pillow may round an edge differently.
            assert max(high for _, high in difference.getextrema()) <= 16
    with Image.open(recipe["ASSETS"] / "photofind.ico") as icon:
        assert icon.info["sizes"] >= {(16, 16), (32, 32), (48, 48), (256, 256)}
