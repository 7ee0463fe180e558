"""End to end: a right-click on a photo, the menu, the daemon, and the page in a real browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from chromium import until
from PIL import Image, ImageDraw
from screen import Screen, need
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from skimage import data
from waiting import wait_until

from photofind.daemon.client import connect
from photofind.daemon.lifecycle import stop
from photofind.desktop.command import Command
from photofind.desktop.integrations import integrations
from photofind.paths import Home

THINGS = ("chelsea", "coffee", "rocket", "astronaut", "camera")
MAGENTA = (255, 0, 255)
CHROMIUM = """\
#!/bin/sh
exec chromium --no-sandbox --no-first-run --disable-gpu --disable-background-networking \\
  --disable-component-update --disable-sync --password-store=basic --test-type \\
  --remote-debugging-port=0 \\
  --user-data-dir="$HOME/chromium" --window-size=1240,860 --window-position=20,20 "$@"
"""


@pytest.fixture
def photos(screen: Screen, home: Home) -> Iterator[Path]:
    """Three photographs of each subject, indexed by a daemon; one has a mark to find it by."""
    folder = screen.home / "Photos"
    folder.mkdir()
    for thing in THINGS:
        picture = Image.fromarray(getattr(data, thing)()).convert("RGB")
        for number in range(3):
            turned = picture.rotate(3 * number).resize((640, 480))
            if (thing, number) == ("coffee", 0):
                ImageDraw.Draw(turned).rectangle((0, 400, 640, 480), MAGENTA)
            turned.save(folder / f"{thing} #{number}.jpg", quality=95)
    try:
        with connect(home) as client:
            client.add_folder(str(folder))
            wait_until(lambda: client.status().photos == 3 * len(THINGS), "index", 120)
        yield folder
    finally:
        stop(home)


def test_from_the_right_click_to_the_hits(
    screen: Screen, home: Home, photos: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    need("thunar", "/usr/lib/*/tumbler-1/tumblerd", "chromium", "chromedriver")
    browser = tmp_path / "browser"
    browser.write_text(CHROMIUM)
    browser.chmod(0o755)
    screen.environment |= {"BROWSER": f"{browser} %s &", "PHOTOFIND_HOME": str(home.root)}
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, screen.environment[name])
    for integration in integrations(
        ["menu", "thunar"], Command((sys.executable, "-m", "photofind"))
    ):
        integration.install()

    screen.start("thunar", photos)
    screen.click(screen.find_colour(MAGENTA), button=3)
    item = screen.find("Find similar photos", role="menu item")
    screen.picture("menu")
    screen.click(item)

    port = screen.home / "chromium/DevToolsActivePort"
    wait_until(lambda: port.exists() and port.read_text(), "browser", 60)
    options = ChromeOptions()
    options.debugger_address = f"127.0.0.1:{port.read_text().split()[0]}"
    shown = Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        names = until(
            lambda: shown.execute_script(
                "return document.getElementById('grid')?.ariaBusy == 'false' &&"
                " [...document.querySelectorAll('#grid .card .caption .name')]"
                ".map(name => name.textContent)"
            ),
            "hits",
        )
        address = str(shown.current_url)
    finally:
        shown.service.stop()  # The browser ends with the screen.
    screen.picture("page")
    with connect(home) as client:
        number = client.photo(str(photos / "coffee #0.jpg")).id
    assert address.endswith(f"/?like={number}")
    assert names[0] in (
        "coffee #1.jpg",
        "coffee #2.jpg",
    )  # Near-duplicates, one on top.
