"""Another user of the machine learns nothing from the home and the daemon, and reaches nothing."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import environment, photofind
from other_user import NOBODY, as_nobody, needs_another_user, open_folder
from PIL import Image
from skimage import data
from waiting import patience, wait_until

from photofind.daemon.client import Client, connect
from photofind.daemon.runtime import Runtime, read_runtime, write_runtime
from photofind.errors import LibraryError
from photofind.operations import OPERATIONS
from photofind.paths import Home

pytestmark = needs_another_user


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """The home of a running daemon with one photo, in a folder that others can enter."""
    with open_folder() as folder:
        home = Home(folder / "home")
        photos = folder / "photos"
        photos.mkdir(mode=0o700)
        Image.fromarray(data.chelsea()).save(photos / "cat.png")
        as_daemon = {"env": environment(home.root, PHOTOFIND_NO_DAEMON="")}
        assert photofind("folders", "add", photos, **as_daemon).code == 0
        try:
            with connect(home) as client:
                assert isinstance(client, Client)
                assert wait_until(lambda: client.status().photos == 1)
                client.thumbnail(client.photos()[0].id)
                client.upload(str(photos / "cat.png"))
                yield home
        finally:
            assert photofind("daemon", "stop", **as_daemon).code == 0


def runtime_of(home: Home) -> Runtime:
    runtime = read_runtime(home)
    assert runtime is not None
    return runtime


def readable(paths: list[Path]) -> list[str]:
    """Return those that can be read, listed or written; links are not followed."""
    return [
        str(path)
        for path in paths
        if any(os.access(path, mode, follow_symlinks=False) for mode in (os.R_OK, os.W_OK))
    ]


def test_nothing_in_the_home_can_be_read_or_written(home: Home) -> None:
    with connect(home) as client:
        assert isinstance(client, Client)
        door = Path(client.door())
    everything = [home.root, *home.root.rglob("*")]
    assert {"catalog", "runtime.json", "daemon.log", "daemon.lock"} <= {p.name for p in everything}
    files = [path for path in everything if path.is_file()]
    for folder in (home.cache / "thumbnails", home.cache / "uploads", home.doors):
        assert any(file.is_relative_to(folder) for file in files)
    assert door in files
    assert as_nobody(lambda: readable(everything)) == []
    home.root.chmod(0o755)  # Should the user open it, what is in it stays closed.
    try:
        assert as_nobody(lambda: readable(everything[1:])) == []
    finally:
        home.root.chmod(0o700)


def test_nothing_is_answered_without_the_token(home: Home) -> None:
    port = runtime_of(home).port
    requests = [
        (route.method, re.sub(r"{[^}]*}", "1", route.path))
        for operation in OPERATIONS.values()
        for route in operation.routes
    ]
    requests += [("GET", "/api/openapi.json"), ("POST", "/api/links"), ("POST", "/api/stop")]
    secrets = [{}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {'a' * 43}"}]
    secrets += [{"Cookie": "photofind=1"}, {"Authorization": "Basic cm9vdDo="}]

    def statuses() -> list[int]:
        found = []
        for method, path in requests:
            for headers in secrets:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience())
                body = b"{}" if method in ("POST", "PUT") else None
                kind = {"Content-Type": "application/json"}
                connection.request(method, path, body, {**kind, **headers})
                found.append(connection.getresponse().status)
                connection.close()
        return found

    found = as_nobody(statuses)
    assert len(found) == len(requests) * len(secrets) > 100
    assert set(found) == {401}


def test_a_link_or_a_cookie_is_not_guessed(home: Home) -> None:
    """There is a link meanwhile, which other codes neither are nor use up."""
    with connect(home) as client:
        assert isinstance(client, Client)
        link = client.link("/")
    port = runtime_of(home).port
    code = link.rpartition("/open/")[2]

    def answers() -> list[tuple[int, str | None]]:
        found = []
        for guess in ("", "a" * len(code), code[:-1], code + "a", code.swapcase()):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience())
            connection.request("GET", f"/open/{guess}")
            answer = connection.getresponse()
            found.append((answer.status, answer.getheader("Set-Cookie")))
            connection.close()
        return found

    found = as_nobody(answers)
    assert len(found) == 5
    assert {status for status, _ in found} <= {401, 403, 404}
    assert {cookie for _, cookie in found} == {None}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience())
    connection.request("GET", f"/open/{code}")
    assert connection.getresponse().getheader("Set-Cookie")
    connection.close()


def test_processes_tell_no_secret_and_take_no_signal(home: Home) -> None:
    runtime = runtime_of(home)

    def seen() -> list[str]:
        words = []
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ", "maps", "fd/0"):
                try:
                    words.append((process / name).read_bytes().decode(errors="replace"))
                except OSError:
                    continue
        return words

    found = as_nobody(seen)
    if not any(str(home.root) in words or "daemon" in words for words in found):
        pytest.skip("/proc does not show the processes of others")
    assert not any(runtime.token in words for words in found)

    def signalled() -> str:
        try:
            os.kill(runtime.pid, signal.SIGTERM)
        except PermissionError:
            return "refused"
        return "sent"

    assert as_nobody(signalled) == "refused"


def test_the_other_user_is_told_whose_home_it_is(home: Home) -> None:
    def told() -> str:
        try:
            connect(home, start=False)
        except LibraryError as error:
            return str(error)
        return ""

    assert "belongs to" in as_nobody(told)


def test_a_home_that_another_user_laid_out_leads_nowhere(home: Home) -> None:
    """Its runtime file would have the client send queries to that user's server."""
    with open_folder() as folder:
        trap = Home(folder / "home")
        trap.root.mkdir(mode=0o755)
        os.chown(trap.root, NOBODY, NOBODY)
        lure = Runtime(os.getpid(), 0.0, runtime_of(home).port, "token", "0", 0.0)
        as_nobody(lambda: write_runtime(trap, lure))
        outcome = photofind(
            "status", home=trap.root, env=environment(trap.root, PHOTOFIND_NO_DAEMON="")
        )
        assert outcome.code == 1
        assert outcome.stdout == b""
        assert "belongs to" in outcome.notes[0]
        doctor = photofind("doctor", "--repair", "--json", home=trap.root)
        assert doctor.code == 1
        assert json.loads(doctor.stdout)[0]["name"] == "home"
        assert trap.root.stat().st_mode & 0o777 == 0o755
