"""The daemon as a process: how it starts, how it ends, and what is left when it could not.

What it serves is simulated: see ``simulated_daemon``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from commands import COMMAND, environment, photofind
from waiting import patience, wait_until

from photofind.daemon.client import connect
from photofind.daemon.instance import is_running
from photofind.daemon.lifecycle import REFUSED, RUNS_ALREADY, Start, Stop, reachable, start, stop
from photofind.daemon.runtime import Runtime, read_runtime, write_runtime
from photofind.errors import DaemonError
from photofind.paths import Home

if sys.platform == "win32":
    pytest.skip("it has other signals", allow_module_level=True)

PATIENCE = patience()
SIMULATED = Path(__file__).parent / "simulated_daemon"


@pytest.fixture(autouse=True)
def simulated(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have daemons serve what is simulated, and leave none of them behind."""
    path = os.pathsep.join(filter(None, [str(SIMULATED), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):  # Not this user's own services.
        monkeypatch.delenv(name, raising=False)
    yield
    left = daemons(home)
    for process in left:
        process.kill()
    assert not left


def daemons(home: Home) -> list[psutil.Process]:
    """Return the processes that are a daemon of ``home``, or about to find out that one is."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home.root) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    wait_until(true)


def started(home: Home, faults: str = "") -> psutil.Process:
    """Start a daemon, with faults, and return its process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOTOFIND_SIMULATED", faults)
        patch.setenv("PHOTOFIND_HOME", str(home.root))
        assert start(home, wait_seconds=PATIENCE) is Start.STARTED
    runtime = read_runtime(home)
    assert runtime is not None
    return psutil.Process(runtime.pid)


@pytest.fixture
def bystander() -> Iterator[psutil.Process]:
    """A process that has nothing to do with photofind."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield psutil.Process(process.pid)
    assert process.poll() is None, "somebody ended a process that is none of photofind's"
    process.communicate(b"\n")


# It starts.


def test_ten_at_once_start_one(home: Home) -> None:
    starting = [
        subprocess.Popen([*COMMAND, "daemon", "start"], stderr=subprocess.PIPE, text=True)
        for _ in range(10)
    ]
    notes = [one.communicate(timeout=PATIENCE)[1] for one in starting]
    assert [one.returncode for one in starting] == [0] * 10, notes
    (daemon,) = daemons(home)
    told = f"(process {daemon.pid})"
    assert notes.count(f"the daemon is running {told}\n") == 1
    assert notes.count(f"the daemon was running already {told}\n") == 9
    assert stop(home) is Stop.STOPPED


def test_ten_in_the_foreground_leave_one(home: Home) -> None:
    running = [
        subprocess.Popen([*COMMAND, "daemon", "run"], stderr=subprocess.PIPE, text=True)
        for _ in range(10)
    ]
    until(lambda: sum(one.poll() is None for one in running) == 1)
    until(lambda: reachable(home))
    (one,) = [one for one in running if one.poll() is None]
    for other in running:
        if other is not one:
            _, notes = other.communicate()
            assert other.returncode == RUNS_ALREADY
            assert notes.startswith("photofind: a daemon runs already")
    assert stop(home) is Stop.STOPPED
    assert one.wait(PATIENCE) == 0


def test_it_is_on_its_own(home: Home, tmp_path: Path) -> None:
    subprocess.run(
        [*COMMAND, "daemon", "start"], cwd=tmp_path, start_new_session=True, check=True,
        env=environment(NOTIFY_SOCKET="/somebody/else's"),
    )  # fmt: skip
    (daemon,) = daemons(home)
    assert os.getsid(daemon.pid) == daemon.pid
    assert daemon.cwd() == str(home.root.resolve())
    assert "NOTIFY_SOCKET" not in daemon.environ()
    assert not daemon.terminal()
    assert Path(f"/proc/{daemon.pid}/fd/0").resolve() == Path(os.devnull) or sys.platform != "linux"
    assert stop(home) is Stop.STOPPED


def test_what_it_writes_is_private(home: Home) -> None:
    daemon = started(home)
    files = [path for path in home.root.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"runtime.json", "daemon.lock", "daemon.log"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    runtime = read_runtime(home)
    assert runtime is not None
    assert (runtime.pid, len(runtime.token) >= 32) == (daemon.pid, True)
    assert stop(home) is Stop.STOPPED
    assert read_runtime(home) is None


def test_two_homes_have_two(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other home")
    first, second = started(home), started(other)
    assert first != second
    assert stop(home) is Stop.STOPPED
    assert not is_running(home)
    assert reachable(other)
    assert second.is_running()
    assert stop(other) is Stop.STOPPED
    assert not daemons(other)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("locked", ["another photofind is writing to the library", "wait until it is done"]),
        ("broken", ["RuntimeError: this is a bug", "`photofind daemon logs` may say more"]),
    ],
)
def test_why_it_does_not_start_is_told(home: Home, fault: str, told: list[str]) -> None:
    outcome = photofind("daemon", "start", env=environment(PHOTOFIND_SIMULATED=fault))
    assert outcome.code == 1
    message, hint = outcome.notes
    assert message == f"photofind: the daemon cannot start: {told[0]}"
    assert hint.startswith("  ")
    assert hint.endswith(told[1])
    logged = photofind("daemon", "logs").stdout.decode()
    assert told[0] in logged
    assert "ERROR" in logged
    assert not is_running(home)
    assert started(home)
    assert stop(home) is Stop.STOPPED


def test_it_does_without_logs_and_keys_that_cannot_be_written(home: Home) -> None:
    home.root.mkdir(exist_ok=True)
    (home.root / "logs").touch()  # A file, where a folder has to be.
    for name in ("pages.json", "runtime.json", "pause.json"):
        (home.root / name).mkdir()
    assert started(home)
    assert stop(home) is Stop.STOPPED


def test_why_it_does_not_start_is_told_without_a_log(home: Home) -> None:
    home.root.mkdir(exist_ok=True)
    (home.root / "logs").touch()
    outcome = photofind("daemon", "start", env=environment(PHOTOFIND_SIMULATED="broken"))
    assert outcome.code == 1
    assert outcome.notes[0] == "photofind: the daemon cannot start: RuntimeError: this is a bug"


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    for command in ("start", "run", "restart"):
        outcome = photofind("daemon", command, home=home)
        assert outcome.code == (REFUSED if command == "run" else 1)
        assert "cannot be" in outcome.notes[-2]
        assert outcome.notes[-2].startswith("photofind: ")
    assert photofind("daemon", "status", home=home).lines[0] == "daemon\tnot running"
    assert photofind("daemon", "stop", home=home).notes == ["the daemon was not running"]


# It is ended.


@pytest.mark.parametrize(
    ("faults", "result"),
    [
        ("", Stop.STOPPED),
        ("lingering", Stop.STOPPED),
        ("deaf", Stop.STOPPED),
        ("mute", Stop.STOPPED),
        ("stubborn", Stop.KILLED),
    ],
)
def test_it_is_stopped_however_it_behaves(
    home: Home, faults: str, result: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photofind.daemon.lifecycle._FOR_ANSWER", 1.0)
    monkeypatch.setenv("PHOTOFIND_SIMULATED", faults)
    running = subprocess.Popen([*COMMAND, "daemon", "run"], stderr=subprocess.DEVNULL)
    until(lambda: read_runtime(home))
    # One that is deaf uses up the first of the two waits.
    seconds = {"stubborn": 1.0, "deaf": 10.0}.get(faults, PATIENCE)
    assert stop(home, wait_seconds=seconds) is result
    assert not is_running(home)
    assert read_runtime(home) is None
    assert running.wait(PATIENCE) == (0 if result is Stop.STOPPED else -signal.SIGKILL)
    assert stop(home) is Stop.NOT_RUNNING


def test_one_that_is_halted_is_stopped(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photofind.daemon.lifecycle._FOR_ANSWER", 0.5)
    daemon = started(home)
    daemon.suspend()
    with pytest.raises(DaemonError, match="did not answer within 1 s"):
        start(home, wait_seconds=1)
    assert stop(home) is Stop.STOPPED
    assert not is_running(home)


def test_one_that_does_not_answer_is_seen(home: Home) -> None:
    daemon = started(home)
    daemon.suspend()
    state = photofind("daemon", "--json").json
    assert (state["running"], state["answers"], state["pid"]) == (True, False, daemon.pid)
    with pytest.raises(DaemonError, match="has not answered for 5 s"):
        connect(home)  # Which does not wait for another one to start.
    daemon.resume()
    state = photofind("daemon", "--json").json
    assert (state["running"], state["answers"], state["pid"]) == (True, True, daemon.pid)
    assert stop(home) is Stop.STOPPED


def test_the_status_tells_a_daemon_that_does_not_answer_from_none(home: Home) -> None:
    daemon = started(home)
    asking = {"env": environment(home.root, PHOTOFIND_NO_DAEMON="")}
    daemon.suspend()
    outcome = photofind("status", **asking)
    assert outcome.code == 0
    assert "daemon\tdoes not answer" in outcome.lines
    advice = "the daemon has not answered for 5 s; `photofind daemon restart` restarts it"
    assert f"problem\t{advice}" in outcome.lines
    assert outcome.notes == [advice]
    daemon.resume()
    assert stop(home) is Stop.STOPPED
    assert "daemon\tnot running" in photofind("status", **asking).lines


@pytest.mark.parametrize("content", [None, "", "{}", '{"pid": "x"}', "[]"])
def test_it_is_stopped_without_a_runtime_file(home: Home, content: str | None) -> None:
    started(home)
    path = home.root / "runtime.json"
    path.unlink() if content is None else path.write_text(content)
    assert stop(home) is Stop.STOPPED
    assert not path.exists()


def test_one_that_is_about_to_start_is_stopped(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOFIND_SIMULATED", "slow")
    running = subprocess.Popen([*COMMAND, "daemon", "run"])
    until(lambda: is_running(home) and read_runtime(home) is None)
    assert stop(home) is Stop.STOPPED
    assert running.wait(PATIENCE) in (0, -signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_it_cleanly(home: Home, number: signal.Signals) -> None:
    running = subprocess.Popen(
        [*COMMAND, "daemon", "run"],
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # Whatever we run under.
    )
    until(lambda: reachable(home))
    running.send_signal(number)
    assert running.wait(PATIENCE) == 0
    assert read_runtime(home) is None
    assert photofind("daemon", "logs", "-n", "1").lines[0].endswith("ended")


def test_without_its_home_it_ends(home: Home) -> None:
    daemon = started(home, "watchful")
    runtime = read_runtime(home)
    assert runtime is not None
    time.sleep(0.5)
    assert reachable(home)
    daemon.suspend()  # It would put its files back into a folder that is being deleted.
    shutil.rmtree(home.root)
    home.root.mkdir(mode=0o700)
    daemon.resume()
    other = started(home)
    assert other.pid != daemon.pid
    until(lambda: not daemon.is_running() or daemon.status() == psutil.STATUS_ZOMBIE)
    assert reachable(home)
    assert read_runtime(home) != runtime
    assert stop(home) is Stop.STOPPED


@pytest.mark.parametrize("names", [["runtime.json"], ["runtime.json", "daemon.lock"]])
def test_files_that_are_removed_come_back(home: Home, names: list[str]) -> None:
    daemon = started(home, "watchful")
    runtime = read_runtime(home)
    for name in names:
        (home.root / name).unlink()
    until(lambda: read_runtime(home) == runtime)
    until(lambda: is_running(home))
    assert start(home, wait_seconds=PATIENCE) is Start.ALREADY_RUNNING
    assert [one.pid for one in daemons(home)] == [daemon.pid]
    assert stop(home) is Stop.STOPPED


def test_nohup_is_respected(home: Home) -> None:
    running = subprocess.Popen(
        [*COMMAND, "daemon", "run"],
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    until(lambda: reachable(home))
    running.send_signal(signal.SIGHUP)
    running.send_signal(signal.SIGWINCH)
    assert reachable(home)
    assert stop(home) is Stop.STOPPED
    assert running.wait(PATIENCE) == 0


# It was ended by something else.


def test_after_a_kill_it_starts_again(home: Home) -> None:
    daemon = started(home)
    stale = read_runtime(home)
    daemon.kill()
    until(lambda: not is_running(home))
    assert read_runtime(home) == stale
    assert photofind("daemon", "status").lines[0] == "daemon\tnot running"
    outcome = photofind("daemon", "start")
    assert outcome.code == 0
    runtime = read_runtime(home)
    assert runtime is not None
    assert outcome.notes == [f"the daemon is running (process {runtime.pid})"]
    assert runtime != stale
    assert stop(home) is Stop.STOPPED


def test_a_stale_runtime_file_harms_nobody(home: Home, bystander: psutil.Process) -> None:
    """Not even where the process id, the time and the port in it are taken by somebody now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        created = bystander.create_time()
        stale = Runtime(bystander.pid, created, port, "token", "0.0.1", created)
        started(home)
        assert stop(home) is Stop.STOPPED
        write_runtime(home, stale)
        assert stop(home) is Stop.NOT_RUNNING
        assert read_runtime(home) is None
        write_runtime(home, stale)
        server.close()
        daemon = started(home)
        assert daemon.pid != bystander.pid
    assert stop(home) is Stop.STOPPED


def test_a_reused_process_id_is_not_taken_for_the_daemon(
    home: Home, bystander: psutil.Process
) -> None:
    daemon = started(home)
    runtime = read_runtime(home)
    assert runtime is not None
    write_runtime(
        home, Runtime(bystander.pid, runtime.created - 9, 1, "", runtime.version, runtime.started)
    )
    assert stop(home) is Stop.STOPPED
    assert not daemon.is_running() or daemon.status() == psutil.STATUS_ZOMBIE


def test_stopping_and_starting_do_not_meet(home: Home) -> None:
    first = started(home, "lingering")
    stopping = subprocess.Popen([*COMMAND, "daemon", "stop"], stderr=subprocess.PIPE, text=True)
    until(lambda: not reachable(home))
    assert start(home, wait_seconds=PATIENCE) is Start.STARTED
    assert stopping.communicate(timeout=PATIENCE)[1] == "the daemon has stopped\n"
    runtime = read_runtime(home)
    assert runtime is not None
    assert runtime.pid != first.pid
    assert stop(home) is Stop.STOPPED


# What others are told.


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
@pytest.mark.parametrize("kind", ["file", "abstract"])
def test_systemd_is_told(home: Home, tmp_path: Path, kind: str) -> None:
    address = str(tmp_path / "notify") if kind == "file" else f"@photofind-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address.replace("@", "\0"))
        manager.settimeout(PATIENCE)
        running = subprocess.Popen(
            [*COMMAND, "daemon", "run"], env=environment(NOTIFY_SOCKET=address)
        )
        assert manager.recv(100) == b"READY=1"
        assert reachable(home)
        running.terminate()
        assert manager.recv(100) == b"STOPPING=1"
    assert running.wait(PATIENCE) == 0


def test_the_state_for_scripts(home: Home) -> None:
    assert photofind("daemon", "status", "--json").json == {
        "running": False, "answers": False, "pid": None, "version": None, "started": None,
        "port": None, "enabled": False, "service": "launchd" if sys.platform == "darwin" else "xdg",
    }  # fmt: skip
    daemon = started(home)
    state = photofind("daemon", "--json").json
    runtime = json.loads((home.root / "runtime.json").read_text())
    assert (state["running"], state["answers"], state["pid"]) == (True, True, daemon.pid)
    assert {state[key] == runtime[key] for key in ("version", "started", "port")} == {True}
    assert photofind("daemon", "restart").notes[0] == "the daemon has stopped"
    assert photofind("daemon", "--json").json["pid"] != daemon.pid
    assert stop(home) is Stop.STOPPED


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is not a file alone")
def test_enabled_and_disabled(home: Home, tmp_path: Path) -> None:
    before = {*tmp_path.rglob("*")}
    enabled = photofind("daemon", "enable")
    assert enabled.code == 0
    assert enabled.notes[0] == "the daemon is enabled: the desktop starts it when you log in"
    assert enabled.notes[-1].startswith("the daemon is running (process ")
    (entry,) = tmp_path.glob(".config/autostart/*")
    assert str(home.root) in entry.read_text()
    assert photofind("daemon", "--json").json["enabled"] is True
    again = photofind("daemon", "enable")
    assert again.notes[0].startswith("the daemon is enabled already")
    assert again.notes[-1].startswith("the daemon was running already")
    disabled = photofind("daemon", "disable")
    assert disabled.notes[:2] == [
        "the daemon has stopped",
        "the daemon no longer starts at login; commands still start it if they need it",
    ]
    assert photofind("daemon", "disable").notes == [
        "the daemon was not running",
        "the daemon was not enabled",
    ]
    # What it put into menus the first time is for another command to take away.
    assert photofind("desktop", "remove").code == 0
    assert not [path for path in {*tmp_path.rglob("*")} - before if not path.is_dir()]
