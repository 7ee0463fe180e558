"""A right-click on photos in real file managers, and how photofind is then called."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from fake_program import ODD_NAMES, FakeProgram
from PIL import Image
from screen import Screen, need

from photofind.desktop.command import Command
from photofind.desktop.integrations import integrations

MAGENTA, GREEN = (255, 0, 255), (30, 190, 90)
LABEL = "Find similar photos"


@dataclass(frozen=True)
class Manager:
    """A file manager, and whether its menu entry is found by name or by its icon.

    That of a file whose name is not UTF-8 may have to be found by its place.
    """

    name: str
    words: tuple[str, ...]
    needs: tuple[str, ...] = ()
    has_names: bool = True
    has_odd_names: bool = True
    in_scripts: bool = False


MANAGERS = [
    Manager(
        "thunar",
        ("thunar",),
        needs=("/usr/lib/*/tumbler-1/tumblerd",),
        has_odd_names=False,  # 4.20 ends when it tells AT-SPI that such a file is selected.
    ),
    Manager("nemo", ("nemo", "--no-desktop")),
    Manager("caja", ("caja", "--no-desktop"), in_scripts=True),
    Manager(
        "pcmanfm",
        ("pcmanfm",),
        needs=("/usr/lib/*/libfm/modules/gtk-menu-actions.so",),
        has_names=False,
    ),
]


@pytest.fixture(params=MANAGERS, ids=lambda manager: manager.name)
def manager(request: pytest.FixtureRequest) -> Manager:
    found: Manager = request.param
    need(found.words[0], *found.needs)
    return found


def install(screen: Screen, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install all integrations for the user of the screen."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, screen.environment[name])
    for integration in integrations(command=command):
        integration.install()


def make_photos(folder: Path, chosen: bytes) -> list[bytes]:
    """Create a photo for each odd name, all green except the one to click on."""
    folder.mkdir()
    for name in ODD_NAMES:
        colour = MAGENTA if name == chosen else GREEN
        Image.new("RGB", (200, 150), colour).save(os.path.join(os.fsencode(folder), name), "JPEG")  # noqa: PTH118
    return [os.path.join(os.fsencode(folder), name) for name in ODD_NAMES]  # noqa: PTH118


def show(screen: Screen, manager: Manager, folder: Path) -> None:
    """Have a file manager show a folder."""
    if manager.name == "thunar":
        screen.start_thumbnailer()
    screen.start(*manager.words, folder)


def choose(screen: Screen, manager: Manager, *, is_odd: bool = False) -> None:
    """Click on "Find similar photos" in the open menu."""
    if manager.in_scripts:
        screen.click(screen.find("Scripts", role="menu"))
    # PCManFM of GTK 2 has no names for AT-SPI, and that of GTK 3 no icons in menus.
    has_names = manager.has_names or "libgtk-3" in screen.output("ldd", "/usr/bin/pcmanfm")
    if is_odd and not manager.has_odd_names:
        screen.press("Up", "Up", "Return")  # It is the last but one.
    elif has_names:
        screen.click(screen.find(LABEL, role="menu item"))
    else:
        screen.click(screen.find_colour((0x2F, 0x66, 0xD0), pixels=8))


def paths_of(call: list[bytes]) -> list[bytes]:
    """Return the paths in the arguments of a call."""
    words, named = call[: call.index(b"--")], call[call.index(b"--") + 1 :]
    assert words[:2] == [b"similar", b"--open"]
    if words[2:] == [b"--uris"]:
        assert all(uri.startswith(b"file:///") for uri in named)
        return [unquote_to_bytes(uri.removeprefix(b"file://")) for uri in named]
    assert words[2:] == []
    return named


def test_one_photo_is_passed_on(
    screen: Screen, manager: Manager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = b"not-utf8-\xff\xe9.jpg"
    fake_photofind = FakeProgram(tmp_path / "o'dd 100% $folder")
    install(screen, Command((str(fake_photofind.path),)), monkeypatch)
    photos = screen.home / "My Photos #1"
    make_photos(photos, name)
    show(screen, manager, photos)
    screen.click(screen.find_colour(MAGENTA), button=3)
    choose(screen, manager, is_odd=True)
    (call,) = fake_photofind.wait_for_calls()
    assert paths_of(call) == [os.path.join(os.fsencode(photos), name)]  # noqa: PTH118


def test_several_photos_are_passed_on_at_once(
    screen: Screen, manager: Manager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_photofind = FakeProgram(tmp_path / "program")
    install(screen, Command((str(fake_photofind.path),)), monkeypatch)
    photos = screen.home / "Photos"
    paths = make_photos(photos, b"plain.jpg")
    show(screen, manager, photos)
    place = screen.find_colour(MAGENTA)
    screen.click(place)
    screen.press("ctrl+a")
    screen.click(place, button=3)
    choose(screen, manager)
    (call,) = fake_photofind.wait_for_calls()
    assert sorted(paths_of(call)) == sorted(paths)


@pytest.mark.parametrize("name", ["thunar", "nemo"])
def test_what_is_new_is_offered_for_a_folder(
    screen: Screen, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    manager = next(one for one in MANAGERS if one.name == name)
    need(manager.words[0], *manager.needs)
    fake_photofind = FakeProgram(tmp_path / "program")
    install(screen, Command((str(fake_photofind.path),)), monkeypatch)
    card = screen.home / "Cards" / "CARD #1"
    card.mkdir(parents=True)
    # A photo beside it tells when the folder is shown.
    Image.new("RGB", (200, 150), MAGENTA).save(card.parent / "z.jpg")
    show(screen, manager, card.parent)
    screen.find_colour(MAGENTA)
    screen.press("Home")
    screen.press("shift+F10")
    screen.click(screen.find("Which of these are new?", role="menu item"))
    (call,) = fake_photofind.wait_for_calls()
    named = call[-1].removeprefix(b"file://")
    assert call[:-1] == [b"known", b"--open", b"--"]
    assert unquote_to_bytes(named) == os.fsencode(card)
