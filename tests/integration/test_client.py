"""The daemon's client: the same answers as from the object itself, and the same errors."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from loaded_modules import modules_loaded_by
from served_library import TOKEN, FakeLibrary, Served, jpeg, serving, wait_for
from waiting import patience

from photofind import errors
from photofind.app.photofind import PhotoFind
from photofind.daemon.client import Client, connect
from photofind.daemon.runtime import Runtime, write_runtime
from photofind.errors import (
    DaemonError,
    ImageError,
    LibraryError,
    LockedError,
    PhotofindError,
    RequestError,
    SettingsError,
    WorkerCrashedError,
)
from photofind.model import Event, Progress, Query
from photofind.operations import OPERATIONS
from photofind.paths import Home
from photofind.settings import set_setting


@pytest.fixture
def served(home: Home) -> Iterator[Served]:
    with serving(home) as served:
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with Client(served.home) as client:
        yield client


def test_answers_are_those_of_the_library(served: Served, client: Client, tmp_path: Path) -> None:
    library = served.library
    photo = tmp_path / os.fsdecode(b"a \xff%\n?#&+=.jpg") if os.name != "nt" else tmp_path / "a.jpg"
    photo.write_bytes(jpeg())
    known = library.put(photo)
    client.add_folder(str(tmp_path), excludes=("*.png", "b"))
    assert library.added == {str(tmp_path): ("*.png", "b")}
    query = Query((str(photo),), (str(photo),), 3, folder=str(tmp_path), tags=("dog", "sea & sky"))
    for name, arguments, options in (
        ("folders", (), {}),
        ("covers", (str(tmp_path),), {}),
        ("covers", (str(photo),), {}),
        ("similar", (query,), {}),
        ("similar", (Query(like=(str(photo),)),), {}),
        ("explain", (str(photo), 1), {}),
        ("explain", (1, str(photo)), {"extractor": "mobilenet"}),
        ("judge", (query,), {"likes": [1], "dislikes": [2, 3], "forget": [4]}),
        ("judge", (Query(like=(str(photo),)),), {}),
        ("judgements", (), {}),
        ("forget_judgements", ([f"{'0' * 32}:{'1' * 32}", "0" * 32],), {}),
        ("metric", (), {}),
        ("learn_metric", (), {}),
        ("forget_metric", (), {}),
        ("duplicates", (), {}),
        ("duplicates", (), {"folder": str(tmp_path), "spread": "across", "keep": str(tmp_path)}),
        ("not_same", (), {}),
        ("tell_apart", (1, [2, 3]), {}),
        ("forget_apart", ([f"{'0' * 32}:{'1' * 32}"],), {}),
        ("known", ([str(photo), "/card/\udcff.jpg"],), {}),
        ("known", ([str(photo)],), {"folder": str(tmp_path)}),
        ("photo_files", (str(tmp_path),), {}),
        ("failures", (), {}),
        ("extractors", (), {}),
        ("status", (), {}),
        ("photo", (1,), {}),
        ("place", (1,), {}),
        ("photos", (), {}),
        ("photos", (), {"path": str(photo)}),
        ("photos", (), {"folder": str(photo), "since": "2021", "offset": 0, "limit": 7}),
        ("photos", (), {"tags": ("hot dog", "caf\xe9 & caf\udce9")}),
        ("count", (), {"tags": ("dog",)}),
        ("search", ("red bus",), {}),
        ("search", ('"caf\xe9" -a&b=#',), {"tags": ("dog",), "any_word": True, "limit": 3}),
        ("embeddings", (), {}),
        ("embeddings", (), {"photos": [1, 2], "tags": ("dog",), "extractor": "a", "limit": 2}),
        ("evaluations", (), {}),
        ("evaluate", (str(tmp_path),), {}),
        ("evaluate", (str(tmp_path),), {"extractors": ["a", "a,b"], "split": 0, "seed": 7}),
        ("train", ("mine",), {"source": str(tmp_path), "method": "triplet", "epochs": 3}),
        ("train", ("mine",), {"kind": "feedback", "replace": True}),
        ("evaluation_report", ("20240131T120000-0a1b2c3d",), {}),
        ("tags", (), {}),
        ("tags", (), {"limit": 1}),
        ("tag_notes", (["puppy", "dog"],), {}),
        ("tagged", (("dog", "#1 + 1=2"),), {}),
        ("tagged", (["dog"],), {"limit": 7}),
        ("judge_tags", ([1, 2],), {"add": ["a b"], "remove": ("dog",), "write_sidecar": True}),
        ("judge_tags", ([1],), {"forget": ["dog"]}),
        ("thumbnail", (1, 512), {}),
        ("overview", (), {}),
        ("overview", (str(photo.parent),), {}),
        ("trash", ([1, 2],), {}),
        ("trash", ([1, 2],), {"kept": [3, 4]}),
        ("untrash", ("0" * 32,), {}),
        ("untrash", (), {}),
        ("trashed", (), {}),
        ("open", (1,), {}),
        ("reveal", (1,), {}),
        ("list_settings", (), {}),
        ("set_setting", ("exclude", "a b, c"), {}),
        ("list_settings", (), {}),
        ("reset_setting", ("exclude",), {}),
        ("doctor", (), {}),
        ("doctor", (), {"repair": True}),
        ("pause", (5.0,), {}),
        ("pause", (), {}),
        ("resume", (), {}),
        ("remove_folder", (str(tmp_path),), {}),
    ):
        start = len(library.asked)
        answer = getattr(client, name)(*arguments, **options)
        asked = library.asked[start:]
        if name == "remove_folder":
            assert answer == 2
            continue
        assert answer == getattr(library, name)(*arguments, **options), name
        assert asked[0] == library.asked[start + len(asked)], "it was asked the same"
    assert client.photo(1) == client.photo(str(photo)) == known


def test_progress_is_told_and_ctrl_c_in_it_comes_through(served: Served, client: Client) -> None:
    told: list[Progress] = []
    report = client.index([str(served.home.root)], retry_failed=True, progress=told.append)
    assert report == served.library.index()
    assert told
    assert {type(progress) for progress in told} == {Progress}

    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.index(progress=interrupt)
    assert client.status().photos == 2


def test_settings_are_as_in_the_file(served: Served, client: Client) -> None:
    set_setting(served.home.settings, "hits", "7")
    set_setting(served.home.settings, "exclude", "a,b")
    assert client.settings == PhotoFind(served.home).settings
    client.set_setting("hits", "9")
    assert client.settings.hits == 9
    with pytest.raises(SettingsError):
        client.set_setting("../hits", "9")


def test_problems_are_told_once_an_answer_knew_of_any(served: Served, client: Client) -> None:
    client.folders()
    start = len(served.library.asked)
    assert client.problems == []
    assert len(served.library.asked) == start, "nothing is asked where there are none"
    served.library.problems.append("the catalog is torn")
    client.folders()
    assert client.problems == ["the catalog is torn"]


@pytest.mark.parametrize(
    "error",
    [
        ImageError("no \udcff such", "hint"),
        LockedError("m"),
        LibraryError("m", "h"),
        WorkerCrashedError("m", "h"),
        DaemonError("m", "h"),
        PhotofindError("m"),
    ],
)
def test_errors_come_back_as_what_they_were(
    served: Served, client: Client, error: PhotofindError
) -> None:
    served.library.error = error
    for ask in (
        client.status,
        client.index,
        client.resume,
        lambda: client.similar(Query(like=("/a.jpg",))),
        lambda: client.photos(folder="/a"),
        lambda: client.thumbnail(1),
    ):
        with pytest.raises(type(error)) as caught:
            ask()
        assert type(caught.value) is type(error)
        assert (caught.value.message, caught.value.hint) == (error.message, error.hint)
    served.library.error = None
    assert client.status().photos == 2, "the connection is fit for more"


def test_errors_of_a_newer_photofind_are_errors_too(
    served: Served, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.library.error = LockedError("m", "h")
    monkeypatch.delattr(errors, "LockedError")
    monkeypatch.setattr(errors, "LibraryError", object)
    with pytest.raises(PhotofindError):
        client.status()


def test_what_the_api_refuses_is_a_request_error(client: Client) -> None:
    with pytest.raises(RequestError, match="absolute"):
        client.add_folder("Pictures")
    with pytest.raises(RequestError, match="like"):
        client.similar(Query(like=()))


def test_uploads_and_links(served: Served, client: Client, tmp_path: Path) -> None:
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(jpeg() + bytes(2_000_000))
    upload = client.upload(picture)
    kept = served.home.cache / "uploads" / upload.removeprefix("upload:")
    assert kept.read_bytes() == picture.read_bytes()
    served.library.put(picture)
    assert client.similar(Query(like=(upload,))).query.like == (upload,)
    assert client.link("/?like=5").startswith(f"{served.server.url}/open/")
    assert f"{served.server.url}/open/" in Path(client.door("/?like=5")).read_text("utf-8")


def test_events_are_heard_until_the_daemon_stops(served: Served, client: Client) -> None:
    events = client.events()
    served.library.publish(Event("state", {"paused": True, "paused_until": None}))
    assert next(events) == Event("state", {"paused": True, "paused_until": None})
    client.stop()
    assert list(events) == [Event("stopping", None)]
    served.thread.join(patience(60))
    with pytest.raises(DaemonError, match="not running"):
        client.status()
    with pytest.raises(DaemonError):
        Client(served.home)


def test_events_end_where_the_daemon_is_gone_or_the_client_closed(home: Home) -> None:
    code = (
        "import sys\n"
        "from served_library import *\n"
        "from photofind.paths import Home\n"
        "with serving(Home.default()) as served:\n"
        "    print('ready', flush=True)\n"
        "    served.thread.join()\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        client = Client(home)
        heard: list[list[Event]] = []
        closed = Client(home)
        events = closed.events()
        listener = threading.Thread(target=lambda: heard.append(list(events)))
        listener.start()
        closed.close()
        listener.join(patience(60))
        assert heard == [[]]
        events_of_killed = client.events()
        process.kill()
        assert list(events_of_killed) == []
    with pytest.raises(DaemonError):
        client.status()


def test_threads_share_a_client(served: Served, client: Client) -> None:
    photos = [served.library.put(Path(f"/photos/{number}.jpg")) for number in range(8)]
    wrong: list[object] = []

    def look(photo: int) -> None:
        for _ in range(20):
            details = client.photo(photo)
            if details.id != photo:
                wrong.append(details)

    threads = [threading.Thread(target=look, args=(photo.id,)) for photo in photos]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience(60))
    assert wrong == []


def test_answers_do_not_wait_for_acknowledgements(client: Client) -> None:
    """Where Nagle's algorithm is on, each answer takes the 40 ms of a delayed acknowledgement."""
    taken = []
    for _ in range(61):
        began = time.perf_counter()
        client.covers("/photos")
        taken.append(time.perf_counter() - began)
    # The first acknowledgements of a connection are not delayed. Others may be busy now and then.
    assert min(taken[31:]) < 0.03


def test_connections_that_the_server_closed_are_made_anew(home: Home) -> None:
    with serving(home) as served, Client(home) as client:
        loop, state = served.server._loop, served.server._uvicorn.server_state
        assert loop is not None
        for _ in range(20):
            assert client.status().photos == 2
            for connection in list(state.connections):  # Perhaps just as it is used again.
                loop.call_soon_threadsafe(connection.timeout_keep_alive_handler)


def test_a_daemon_that_was_restarted_is_found_again(home: Home) -> None:
    with serving(home):
        client = Client(home)
        client.status()
    with serving(home, token="another-token"):
        assert client.status().photos == 2


def test_a_stale_runtime_file_is_no_daemon(home: Home) -> None:
    with pytest.raises(DaemonError):
        Client(home)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    write_runtime(home, Runtime(os.getpid(), 0.0, port, TOKEN, "0", 0.0))
    with pytest.raises(DaemonError, match="not running"):
        Client(home)


def test_a_port_of_a_daemon_that_has_ended_is_not_asked(home: Home) -> None:
    with serving(home) as served:
        home.daemon_lock.touch()
        with pytest.raises(DaemonError, match="not running"):
            Client(home)
        assert not served.server._uvicorn.server_state.total_requests


def test_another_server_at_that_port_is_not_believed(home: Home) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"nonsense\r\n\r\n", b"", b""]

    def answer() -> None:
        for data in answers:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(data)
        listener.close()

    threading.Thread(target=answer, daemon=True).start()
    write_runtime(home, Runtime(os.getpid(), 0.0, listener.getsockname()[1], TOKEN, "0", 0.0))
    for _ in range(3):
        with pytest.raises(DaemonError):
            Client(home).status()


def test_a_daemon_that_hangs_is_given_up(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (route,) = OPERATIONS["similar"].routes
    monkeypatch.setattr(OPERATIONS["similar"], "routes", [route._replace(seconds=0.3)])
    with serving(home) as served, Client(home) as client:
        served.library.hold.clear()
        with pytest.raises(DaemonError, match="has not answered for 0 s"):
            client.similar(Query(like=(__file__,)))
        served.library.hold.set()
        assert client.status().photos == 2, "over a new connection"


@pytest.mark.skipif(os.name == "nt", reason="a signal cannot be sent to one process there")
@pytest.mark.parametrize(
    "call", ["similar(Query(like=(__file__,)))", "index()", "events().__next__()"]
)
def test_ctrl_c_ends_every_wait(home: Home, tmp_path: Path, call: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from photofind.daemon.client import Client\n"
        "from photofind.paths import Home\n"
        "from photofind.model import Query\n"
        "client = Client(Home.default())\n"
        "try:\n"
        f"    client.{call}\n"
        "except KeyboardInterrupt:\n"
        "    print(client.status().photos)\n"
    )
    with serving(home) as served:
        served.library.hold.clear()
        with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE) as process:
            wait_for(lambda: served.library.subscribers or served.library.asked)
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=patience(20))[0] == b"2\n"
        served.library.hold.set()


# Which of the two answers.


@pytest.fixture
def starts(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Has a fake be served where a daemon would be started, or an error that is put in raised."""
    done: list[str] = []
    running = []

    def start(home: Home) -> None:
        if done:
            raise DaemonError(done[0])
        done.append("started")
        context = serving(home)
        context.__enter__()
        running.append(context)

    lifecycle = types.ModuleType("photofind.daemon.lifecycle")
    lifecycle.start = start  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "photofind.daemon.lifecycle", lifecycle)
    yield done
    for context in running:
        context.__exit__(None, None, None)


def test_a_running_daemon_is_asked(served: Served, starts: list[str]) -> None:
    for options in ({}, {"start": False}):
        with connect(served.home, **options) as found:
            assert isinstance(found, Client)
    with connect(served.home, daemon=False) as found:
        assert isinstance(found, PhotoFind)
    assert starts == []


def test_the_daemon_is_started_where_that_is_wanted(home: Home, starts: list[str]) -> None:
    assert isinstance(connect(home, start=False), PhotoFind)
    assert isinstance(connect(home, daemon=False), PhotoFind)
    set_setting(home.settings, "autostart_daemon", "false")
    assert isinstance(connect(home), PhotoFind)
    assert starts == []
    set_setting(home.settings, "autostart_daemon", "true")
    assert isinstance(connect(home), Client)
    assert starts == ["started"]


def test_without_a_library_the_daemon_is_started_only_to_begin_one(
    home: Home, starts: list[str]
) -> None:
    assert isinstance(connect(home, begin=False), PhotoFind)
    assert starts == []
    from photofind.library.stores import open_store

    open_store(home, writable=True).close()
    assert isinstance(connect(home, begin=False), Client)
    assert starts == ["started"]


def test_this_process_answers_while_another_writes(home: Home, starts: list[str]) -> None:
    starts.append("the daemon cannot start")
    with pytest.raises(DaemonError, match="cannot start"):
        connect(home)
    from photofind.library.stores import open_store

    with open_store(home, writable=True):
        assert isinstance(connect(home), PhotoFind)


def test_the_client_imports_nothing_heavy() -> None:
    loaded = modules_loaded_by("import photofind.daemon.client, photofind.daemon.transport")
    assert not loaded & {
        *("numpy", "pydantic", "fastapi", "starlette", "uvicorn", "httpx", "requests", "anyio"),
        *("asyncio", "PIL", "tinydb", "tomlkit", "tomllib", "psutil", "filelock", "platformdirs"),
        *("http.client", "email", "ssl", "logging", "photofind.library.stores"),
        *("photofind.app.photofind", "photofind.settings"),
    }


def test_the_fake_is_what_the_tests_take_it_for(home: Home) -> None:
    assert FakeLibrary(home).settings == PhotoFind(home).settings
