"""A real Chromium, and a real daemon with a small library."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import quote, unquote_to_bytes
from urllib.request import Request, urlopen

import pytest
from PIL import Image, ImageEnhance, ImageOps
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.remote.webelement import WebElement
from skimage import data
from waiting import patience, wait_until

from photofind.daemon.runtime import read_runtime
from photofind.paths import Home

__all__ = ["ODD_NAMES", "PATIENCE", "Daemon", "Page", "chromium", "make_album", "until"]

PATIENCE = 40.0
ROOT = Path(__file__).parents[2]
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")

YEARS = {
    "chelsea": 2019, "coffee": 2019, "astronaut": 2020, "rocket": 2020, "camera": 2021,
    "coins": 2021, "moon": 2022, "brick": 2022, "grass": 2023,
}  # fmt: skip

ODD_NAMES = (
    b"<script>document.title='bad'<\\script>.jpg",
    b"<img src=x onerror=alert(1)>.jpg",
    b"quote\" and 'quote'.jpg",
    b"two\nlines.jpg",
    b"100%25#1?&=+.jpg",
    b"-rf.jpg",
    "\N{CAT} \N{MOUNTAIN} ünïcode.jpg".encode(),
    b"not \xff\xfe utf-8.jpg",
)

_Value = TypeVar("_Value")


def until(true: Callable[[], _Value], what: str = "it", seconds: float = PATIENCE) -> _Value:
    """Wait until something is true, and return it."""

    def look() -> _Value | None:
        with suppress(StaleElementReferenceException):
            return true()
        return None

    found = wait_until(look, what, seconds)
    assert found is not None
    return found


def make_album(folder: Path) -> Path:
    """Write photographs of nine things, in a folder for each year, and files with odd names."""
    for name, year in YEARS.items():
        picture = Image.fromarray(getattr(data, name)()).convert("RGB")
        picture.thumbnail((480, 480))
        (folder / str(year)).mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"{year}:05:03 14:30:00"
        width, height = picture.size
        for variant, image in {
            "original": picture,
            "bright": ImageEnhance.Brightness(picture).enhance(1.3),
            "cropped": picture.crop((width // 4, height // 4, width, height)),
            "small": picture.resize((width // 2, height // 2)),
        }.items():
            image.save(folder / str(year) / f"{name}-{variant}.jpg", exif=exif)
    odd = folder / "odd"
    odd.mkdir()
    picture = Image.fromarray(data.hubble_deep_field()).convert("RGB")
    for place, name in enumerate(ODD_NAMES):
        part = picture.crop((100 * place, 0, 100 * place + 300, 250))
        with (odd / os.fsdecode(name)).open("wb") as file:
            ImageOps.posterize(part, 4).save(file, "JPEG")
    shutil.copy(folder / "2019/coffee-original.jpg", folder / "odd/coffee again.jpg")
    (folder / "odd/words.jpg").write_text("These are words, not pixels.\n")
    return folder


class Daemon:
    """A daemon with a separate home, in an environment that touches nothing real.

    What it opens, and what it shows in a folder, is noted by programs that stand in for the
    desktop's.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = Home(root / "photofind")
        self.trash = root / "data" / "Trash"
        self.opened = root / "opened"
        programs = root / "bin"
        programs.mkdir(parents=True)
        for name, opened in (("xdg-open", "$1"), ("gio", "$2")):  # The latter as `gio open URI`.
            program = programs / name
            program.write_text(f'#!/bin/sh\nprintf "%s\\0" "{opened}" >> "{self.opened}"\n')
            program.chmod(0o755)
        (root / "user").mkdir()
        unwanted = ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY")
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in unwanted},
            "HOME": str(root / "user"),
            "XDG_DATA_HOME": str(root / "data"),
            "PHOTOFIND_HOME": str(self.home.root),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Daemon:
        log = (self.root / "daemon.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "photofind", "daemon", "run"],
                env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until(self._answers, "the daemon's start")
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(patience(20))
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End it as the system ends what crashes."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        code = self._process.poll()
        assert code is None, (self.root / "daemon.log").read_text()
        runtime = read_runtime(self.home)
        if runtime is None or runtime.pid != self._process.pid:
            return False
        self.url, self._token = f"http://127.0.0.1:{runtime.port}", runtime.token
        try:
            self.ask("GET", "/api/status")
        except OSError:
            return False
        return True

    def ask(self, method: str, address: str, value: Any = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        request = Request(self.url + address, body, headers, method=method)
        try:
            with urlopen(request, timeout=patience(PATIENCE)) as answer:
                said = answer.read()
        except HTTPError as error:
            raise AssertionError(f"{address}: {error.read().decode()}") from error
        return json.loads(said) if said else None

    def setting(self, name: str) -> Any:
        """Return the value of a setting."""
        settings = self.ask("GET", "/api/settings")
        return next(one["value"] for one in settings if one["name"] == name)

    def link(self, address: str = "/") -> str:
        url: str = self.ask("POST", "/api/links", {"path": address})["url"]
        return url

    @property
    def origin(self) -> str:
        """What the addresses of its pages begin with."""
        return self.link().partition("/open/")[0]

    def index(self, folder: Path) -> None:
        """Add a folder, and wait until its photos are searchable and other files have failed."""
        self.ask("POST", "/api/folders", {"path": str(folder)})
        files = sum(1 for path in folder.rglob("*") if path.is_file())
        until(lambda: self._known(folder) == files, "the indexing")

    def _known(self, folder: Path) -> int:
        where = quote(os.fsencode(folder))
        photos = self.ask("GET", f"/api/photos?folder={where}&limit=10000")
        failures = self.ask("GET", "/api/failures")
        failed = [one for one in failures if one["path"].startswith(f"{folder}{os.sep}")]
        return len(failed) + sum(not photo["preliminary"] for photo in photos)

    def number(self, path: Path | str) -> int:
        where = quote(os.fsencode(path))
        return int(self.ask("GET", f"/api/photos?path={where}")[0]["id"])

    def knows(self, path: Path | str) -> bool:
        try:
            return bool(self.number(path))
        except AssertionError:
            return False

    def was_opened(self) -> list[str]:
        if not self.opened.exists():
            return []
        opened = self.opened.read_bytes().split(b"\0")[:-1]
        return [
            os.fsdecode(unquote_to_bytes(name[7:]) if name.startswith(b"file://") else name)
            for name in opened
        ]


class Page:
    """The page in Chromium, and actions of a user."""

    def __init__(self, driver: Chrome, daemon: Daemon) -> None:
        self.driver = driver
        self.daemon = daemon

    def open(self, address: str = "/") -> Page:
        """Go to a page with a valid session."""
        self.driver.get(self.daemon.link(address))
        self.wait("main")
        return self

    # Looking.

    def all(self, css: str) -> list[WebElement]:
        return [one for one in self.driver.find_elements("css selector", css) if one.is_displayed()]

    def wait(self, css: str) -> WebElement:
        return until(lambda: self.all(css), css)[0]

    def gone(self, css: str) -> None:
        until(lambda: not self.all(css), f"no {css}")

    def text(self, css: str) -> str:
        return self.wait(css).text

    def says(self, css: str, words: str) -> None:
        until(lambda: any(words in one.text for one in self.all(css)), f"{css} with {words!r}")

    def script(self, code: str, *values: Any) -> Any:
        return self.driver.execute_script(code, *values)

    def names(self) -> list[str]:
        """Return the accessible names of the photos in the grid."""
        shown = self.script(
            "return [...document.querySelectorAll('#grid .card .caption .name')]"
            ".map(name => name.textContent)"
        )
        return list(shown)

    def numbers(self) -> list[int]:
        shown = self.script(
            "return [...document.querySelectorAll('#grid .card')].map(card => +card.dataset.id)"
        )
        return list(shown)

    def hits(self) -> list[str]:
        """Return the names of the photos in the grid, once it has loaded."""
        return until(
            lambda: (
                self.script("return document.getElementById('grid').ariaBusy") == "false"
                and self.names()
            ),
            "hits",
        )

    @property
    def query(self) -> str:
        return str(self.script("return location.search"))

    def focused(self) -> str:
        """Return the focused element: its id, or else its class and label."""
        return str(
            self.script(
                "const e = document.activeElement;"
                "return e.id || e.className + ' ' + (e.getAttribute('aria-label') ?? e.textContent)"
            )
        )

    # Doing.

    def click(self, css: str) -> None:
        until(lambda: self._click(css), f"a click on {css}")

    def _click(self, css: str) -> bool:
        found = self.wait(css)
        try:
            found.click()
        except StaleElementReferenceException:
            return False
        except WebDriverException as error:
            if "intercept" not in str(error):
                raise
            # Another element is moving over it, or it lies behind a bar that stays in its place.
            self.script("arguments[0].scrollIntoView({block: 'center'})", found)
            return False
        return True

    def keys(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def card(self, number: int) -> WebElement:
        """Return the card of a photo, scrolled into view."""
        css = f'.card[data-id="{number}"]'
        found = until(lambda: self.driver.find_elements("css selector", css), css)[0]
        self.script("arguments[0].scrollIntoView({block: 'center'})", found)
        return found

    def hover(self, number: int) -> WebElement:
        card = self.card(number)
        ActionChains(self.driver).move_to_element(card).perform()
        return card

    def do(self, number: int, verb: str) -> None:
        """Choose an entry from the menu of a photo."""
        self.hover(number)
        self.click(f'.card[data-id="{number}"] .menu-button')
        self.click(f"#menu [data-do={verb}]")

    def drop(self, path: Path, kind: str = "drop") -> None:
        """Drop a file on the page, or paste it."""
        self.script(
            """
            const [kind, name, numbers] = arguments;
            const file = new File([Uint8Array.from(numbers)], name, {type: 'image/jpeg'});
            const carried = new DataTransfer();
            carried.items.add(file);
            const how = {bubbles: true, cancelable: true};
            const event = kind === 'paste'
              ? new ClipboardEvent('paste', {clipboardData: carried, ...how})
              : new DragEvent('drop', {dataTransfer: carried, ...how});
            document.body.dispatchEvent(event);
            """,
            kind,
            path.name,
            list(path.read_bytes()),
        )

    # Judging.

    def complaints(self) -> list[str]:
        """Return the console's messages, except those about the absent daemon."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
        ]

    def requests(self) -> list[str]:
        """Return the addresses requested since the last call."""
        logged = (
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        )
        return [
            event["params"]["request"]["url"]
            for event in logged
            if event["method"] == "Network.requestWillBeSent"
        ]

    def barriers(self) -> list[str]:
        """Return the serious and critical accessibility violations that axe finds."""
        if not self.script("return 'axe' in window"):
            self.script(AXE)
        found = self.driver.execute_async_script(
            """
            const done = arguments[0];
            const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
            axe.run(document, {runOnly: tags, resultTypes: ['violations']}).then(
              result => done(result.violations),
              error => done([{impact: 'critical', id: String(error), nodes: []}]));
            """
        )
        return [
            f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"] or [{"html": "", "failureSummary": ""}]
        ]


@contextmanager
def chromium(profile: Path, *, width: int = 1280, height: int = 900) -> Iterator[Chrome]:
    """Run a headless Chromium with an empty profile; skip the test if it is not installed."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("chromium and its chromedriver are not installed")
    options = ChromeOptions()
    options.binary_location = binary
    for switch in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--lang=en-GB", f"--window-size={width},{height}",
        f"--user-data-dir={profile}",
    ):  # fmt: skip
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = Chrome(options=options, service=Service(driver))
    try:
        running.set_script_timeout(patience(PATIENCE))
        for permission in ("clipboard-read", "clipboard-write"):
            running.execute_cdp_cmd(
                "Browser.setPermission", {"permission": {"name": permission}, "setting": "granted"}
            )
        yield running
    finally:
        running.quit()
