"""The door to the page: what another user of the machine sees of it, and can do to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from chromium import PATIENCE, Daemon, Page, chromium, until
from PIL import Image
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from skimage import data
from waiting import patience

from photofind.daemon.runtime import read_runtime

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the daemon's desktop is Linux's")

WATCHER = Path(__file__).with_name("watch_command_lines.py")
CHROMIUM = """\
#!/bin/sh
exec chromium --headless=new --no-sandbox --no-first-run --disable-gpu --disable-dev-shm-usage \\
  --disable-background-networking --disable-component-update --disable-sync \\
  --remote-debugging-port=0 --user-data-dir="$HOME/chromium" "$@" 2> /dev/null
"""
WORKER = """
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(clients.claim()));
self.addEventListener('fetch', event => {
  if (event.request.mode === 'navigate') event.respondWith(new Response(
    '<!doctype html><title>taken</title>taken', {headers: {'content-type': 'text/html'}}));
});
"""
TAKEN = """<!doctype html><title>photofind</title><script>
navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready)
  .then(() => document.title = 'registered', error => document.title = String(error));
</script>"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@contextmanager
def served(root: Path) -> Iterator[Daemon]:
    daemon = Daemon(root).start()
    try:
        yield daemon
    finally:
        daemon.stop()


@pytest.fixture
def page(tmp_path: Path, browser: Chrome) -> Iterator[Page]:
    """The page of a daemon with one photo."""
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(data.chelsea()).save(photos / "cat.jpg")
    with served(tmp_path / "one") as daemon:
        daemon.index(photos)
        yield Page(browser, daemon)
        browser.get("about:blank")
        browser.get_log("browser")


def port_of(daemon: Daemon) -> int:
    runtime = read_runtime(daemon.home)
    assert runtime
    return runtime.port


def cookie_of(page: Page) -> str:
    (cookie,) = page.driver.get_cookies()
    return f"{cookie['name']}={cookie['value']}"


def ask(port: int, address: str, **headers: str) -> tuple[int, str, str]:
    """Ask as a program without the token; return the status, the answer, and its cookie."""
    connection = HTTPConnection("127.0.0.1", port, timeout=patience(PATIENCE))
    try:
        connection.request("GET", address, headers=headers)
        answer = connection.getresponse()
        cookie = answer.getheader("set-cookie", "").split(";")[0]
        return answer.status, answer.read().decode(), cookie
    finally:
        connection.close()


# Another user, who reads all command lines.


@contextmanager
def watched(said: Callable[[dict[str, object]], None]) -> Iterator[None]:
    """Have another user read all command lines while the block lasts."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user, too")
    watcher = subprocess.Popen(
        [sys.executable, WATCHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert watcher.stdout
    assert watcher.stdout.readline() == "watching\n"
    try:
        yield
    finally:
        said(json.loads(watcher.communicate(timeout=patience(PATIENCE))[0]))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can look into."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    until(lambda: removed(folder), "the removal of what a browser may still write to")


def removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def test_another_user_sees_no_link_and_cannot_use_the_door(
    open_folder: Path, tmp_path: Path
) -> None:
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    starter = tmp_path / "browser"
    starter.write_text(CHROMIUM)
    starter.chmod(0o755)
    seen: dict[str, object] = {}
    with served(open_folder / "one") as daemon:
        daemon.environment["BROWSER"] = f"{starter} %s &"
        with watched(seen.update):
            command = [sys.executable, "-m", "photofind", "web"]
            subprocess.run(command, env=daemon.environment, check=True, cwd=open_folder)
            port = Path(daemon.environment["HOME"]) / "chromium/DevToolsActivePort"
            until(lambda: port.exists() and port.read_text(), "the browser")
            options = ChromeOptions()
            options.debugger_address = f"127.0.0.1:{port.read_text().split()[0]}"
            shown = Chrome(options=options, service=Service(shutil.which("chromedriver")))
            try:
                Page(shown, daemon).says("#message", "Where are your photos?")
                assert urlsplit(shown.current_url).path == "/"
            finally:
                with suppress(WebDriverException):  # It answers, or has ended by then.
                    shown.execute_cdp_cmd("Browser.close", {})
                shown.service.stop()
                lock = port.with_name("SingletonLock")
                until(lambda: not os.path.lexists(lock), "the browser's end")
        assert seen["user"] != os.getuid()
        lines, files = seen["lines"], seen["files"]
        assert isinstance(lines, list)
        assert isinstance(files, dict)
        assert [line for line in lines if f":{port_of(daemon)}/" in line] == []
        # It has seen the door, and could not read it; others may use photofind at the same time.
        own = {file: said for file, said in files.items() if Path(file).parent == daemon.home.doors}
        assert list(own.values()) == ["PermissionError"]
        assert list(daemon.home.doors.iterdir()) == []


def test_a_link_that_another_program_used_first(page: Page) -> None:
    link = page.daemon.link("/?view=library")
    port, address = port_of(page.daemon), urlsplit(link).path
    status, _, stolen = ask(port, address)
    assert status == 200
    assert ask(port, "/api/folders", Cookie=stolen)[0] == 200
    page.driver.get(link)
    page.says("body", "This link was used already")
    page.says("body", "photofind web")
    assert ask(port, "/api/folders", Cookie=stolen)[0] == 401
    page.open("/").hits()  # A fresh one.
    assert ask(port, "/api/folders", Cookie=stolen)[0] == 401


# Restarts.


def test_a_page_goes_on_through_restarts_and_its_cookies_do_not(page: Page) -> None:
    page.open("/?view=library")
    page.says("#folders", "photos")
    cookies, origins = [cookie_of(page)], [page.daemon.origin]
    for _ in range(3):
        page.daemon.stop()
        page.says("#banner", "photofind has stopped")
        page.daemon.start()
        until(lambda: is_at(page, page.daemon.origin), "the page at the new daemon")
        page.says("#folders", "photos")
        assert page.query == "?view=library"
        assert page.all("#banner") == []
        cookies.append(cookie_of(page))
        origins.append(page.daemon.origin)
    assert len({*cookies}) == len({*origins}) == 4
    port = port_of(page.daemon)
    states = [ask(port, "/api/folders", Cookie=cookie)[0] for cookie in cookies]
    assert states == [401, 401, 401, 200]
    page.driver.get_log("browser")
    page.driver.refresh()
    page.says("#folders", "photos")
    assert page.complaints() == []


def is_at(page: Page, origin: str) -> bool:
    with suppress(WebDriverException):  # It is being left.
        return page.driver.current_url.startswith(f"{origin}/?") and bool(page.all("main"))
    return False


def test_a_page_that_missed_a_daemon_has_to_be_opened_again(page: Page) -> None:
    page.open("/?view=library")
    page.says("#folders", "photos")
    page.driver.execute_cdp_cmd("Network.enable", {})
    offline = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **offline})
    try:
        for _ in range(2):
            page.daemon.stop()
            page.daemon.start()
        page.says("#banner", "photofind has stopped")
    finally:
        page.driver.execute_cdp_cmd(
            "Network.emulateNetworkConditions", {"offline": False, **offline}
        )
    page.says("#banner", "no longer knows this page")
    page.open("/?view=library")
    page.says("#folders", "photos")


# Another server at the port.


class Squatter(ThreadingHTTPServer):
    """A server of another user, who would like to be taken for photofind."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", port), _Squatting)


class _Squatting(BaseHTTPRequestHandler):
    server: Squatter

    def do_GET(self) -> None:
        self.server.heard.append((self.path, self.headers.get("cookie", "")))
        path = urlsplit(self.path).path
        status, kind, body = 200, "text/html", TAKEN
        if path == "/worker.js":
            kind, body = "text/javascript", WORKER
        elif path == "/api/return":
            said = {"question": "0", "host": "taken.localhost", "proof": "0" * 64}
            kind, body = "application/json", json.dumps(said)
        elif path.startswith("/api/"):
            status, kind, body = 401, "application/json", "{}"
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def squatting(port: int) -> Iterator[Squatter]:
    with Squatter(port) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_another_server_at_the_port_gains_nothing_that_lasts(page: Page) -> None:
    page.open("/").hits()
    before, port = page.driver.current_url, port_of(page.daemon)
    page.daemon.stop()
    with squatting(port) as squatter:
        until(lambda: any(path.startswith("/api/return") for path, _ in squatter.heard), "a look")
        page.says("#banner", "no longer knows this page")
        assert page.driver.current_url == before  # It was not led away.
        page.driver.refresh()
        until(lambda: page.driver.title == "registered", "the foreign service worker")
    page.daemon.start()
    assert port_of(page.daemon) == port
    page.driver.refresh()
    until(lambda: page.driver.title == "taken", "the last page, which the worker has for good")

    assert page.open("/").hits() == ["cat.jpg"]
    page.driver.get_log("browser")
    assert page.driver.title != "taken"
    workers = page.driver.execute_async_script(
        "const done = arguments[0];"
        "navigator.serviceWorker.getRegistrations().then(all => done(all.length))"
    )
    assert workers == 0
    assert page.script("return navigator.serviceWorker.controller") is None
    page.driver.refresh()
    assert page.hits() == ["cat.jpg"]
    assert page.complaints() == []


def test_another_server_at_the_port_is_sent_no_valid_cookie(page: Page) -> None:
    """The daemon starts elsewhere, and the page of the last one still asks at the old port."""
    page.open("/").hits()
    old, port = page.driver.current_window_handle, port_of(page.daemon)
    page.daemon.stop()
    with squatting(port) as squatter:
        page.daemon.start()
        assert port_of(page.daemon) != port
        page.driver.switch_to.new_window("window")
        new = page.driver.current_window_handle
        assert page.open("/").hits() == ["cat.jpg"]
        cookie = cookie_of(page)
        page.driver.switch_to.window(old)
        squatter.heard.clear()
        until(lambda: len(squatter.heard) > 1, "a look of the old page")
        sent = {cookie for _, cookie in squatter.heard}
        page.driver.close()
        page.driver.switch_to.window(new)
    assert cookie not in sent
    port = port_of(page.daemon)
    assert ask(port, "/api/folders", Cookie=cookie)[0] == 200
    assert {ask(port, "/api/folders", Cookie=one)[0] for one in sent} == {401}


# Two daemons, one browser.


def test_two_daemons_do_not_log_each_other_out(page: Page, tmp_path: Path) -> None:
    status = "const done = arguments[0]; fetch('/api/folders').then(answer => done(answer.status))"
    with served(tmp_path / "two") as daemon:
        other = Page(page.driver, daemon)
        page.open("/?view=library")
        page.says("#folders", "photos")
        first = page.driver.current_window_handle
        page.driver.switch_to.new_window("window")
        second = page.driver.current_window_handle
        other.open("/")
        other.says("#message", "Where are your photos?")
        for _ in range(2):
            for window in (first, second):
                page.driver.switch_to.window(window)
                page.driver.refresh()
                page.wait("main")
                assert page.driver.execute_async_script(status) == 200
                assert page.all("#banner") == []
        assert page.complaints() == []
        page.driver.close()
        page.driver.switch_to.window(first)


def test_colours_outlive_the_daemon(page: Page) -> None:
    page.open("/").hits()
    for _ in range(2):
        page.click("#theme")
    until(lambda: page.daemon.setting("theme") == "dark", "the setting")
    page.daemon.stop()
    page.daemon.start()
    page.open("/").hits()
    assert page.script("return document.documentElement.dataset.theme") == "dark"
