"""Real child processes: what they answer, and what becomes of them."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from loaded_modules import modules_loaded_by
from waiting import patience, wait_until

from photofind.errors import (
    ImageError,
    WorkerCrashedError,
    WorkerError,
    WorkerKilledError,
    WorkerMemoryError,
    WorkerOverdueError,
    WorkerResourceError,
    WorkerStartError,
    WorkerStoppedError,
    WorkerTimeoutError,
)
from photofind.workers import Worker, isolate, process

SERVICES = str(Path(__file__).parent)


def make_worker(name="Service", **settings):
    environment = {"PYTHONPATH": SERVICES, **settings.pop("environment", {})}
    return Worker(f"worker_services:{name}", name="test", environment=environment, **settings)


@pytest.fixture(scope="module")
def shared_worker():
    with make_worker(options={"greeting": "good day"}) as worker:
        yield worker


@pytest.fixture
def worker():
    with make_worker() as worker:
        yield worker


def is_gone(pid):
    """Whether no process has this id, not even a zombie."""
    return not psutil.pid_exists(pid)


class CountingLock:
    """A lock that knows who has come to it, whether they got it or wait."""

    def __init__(self):
        self._lock = threading.Lock()
        self.comers = []

    def __enter__(self):
        self.comers.append(threading.current_thread())
        self._lock.acquire()

    def __exit__(self, *exception):
        self._lock.release()


class TestCalls:
    def test_the_service_is_made_once_with_its_options(self, shared_worker):
        assert shared_worker.call("greet", timeout=30).value == "good day"
        first = shared_worker.call("process_id", timeout=30).value
        assert shared_worker.call("process_id", timeout=30).value == first == shared_worker.pid
        assert first != os.getpid()

    def test_json_and_arrays_come_back_as_they_were(self, shared_worker):
        arrays = [np.arange(6, dtype=np.float16).reshape(2, 3), np.array(7), np.zeros((0, 4))]
        reply = shared_worker.call("echo", *arrays, timeout=30, text="é\udce9", numbers=[1, 2.5])
        assert reply.value == {"text": "é\udce9", "numbers": [1, 2.5]}
        for mine, theirs in zip(arrays, reply.arrays, strict=True):
            assert theirs.dtype == mine.dtype
            np.testing.assert_array_equal(theirs, mine)

    def test_fifty_megabytes_travel_both_ways(self, shared_worker):
        array = np.random.default_rng(1).integers(0, 256, 50 * 2**20, dtype=np.uint8)
        assert shared_worker.call("total", array, timeout=30).value == int(array.sum())
        (back,) = shared_worker.call("echo", array, timeout=30).arrays
        assert np.array_equal(back, array)

    def test_a_path_that_is_not_utf8_names_the_same_file(self, shared_worker, tmp_path):
        path = tmp_path / os.fsdecode(b"caf\xe9.jpg")
        path.touch()
        assert shared_worker.call("exists", timeout=30, path=str(path)).value is True

    def test_notes_arrive_in_order_before_the_answer(self, shared_worker):
        notes = []
        reply = shared_worker.call("count", timeout=30, note=notes.append, to=100)
        assert notes == list(range(100))
        assert reply.value == 100

    def test_notes_may_be_left_unread(self, shared_worker):
        assert shared_worker.call("count", timeout=30, to=5000).value == 5000

    def test_notes_from_threads_do_not_mix(self, shared_worker):
        notes = []
        arguments = {"threads": 4, "notes": 200}
        reply = shared_worker.call("note_from_threads", timeout=30, note=notes.append, **arguments)
        assert reply.value == "done"
        assert sorted(note[0] for note in notes) == sorted([*range(200)] * 4)
        assert all(len(set(note)) == 1 for note in notes)

    def test_what_a_plugin_prints_does_not_reach_the_pipe(self, shared_worker):
        assert shared_worker.call("chatter", timeout=30).value == ""
        assert shared_worker.call("greet", timeout=30).value == "good day"

    def test_callers_take_turns(self, shared_worker):
        def ask(number):
            return shared_worker.call("echo", np.full(1000, number), timeout=30, number=number)

        with ThreadPoolExecutor(8) as pool:
            for number, reply in enumerate(pool.map(ask, range(100))):
                assert reply.value == {"number": number}
                assert (reply.arrays[0] == number).all()

    def test_what_cannot_be_sent_leaves_the_worker_as_it_was(self, shared_worker):
        before = shared_worker.call("process_id", timeout=30).value
        with pytest.raises(TypeError):
            shared_worker.call("echo", timeout=30, what={1, 2})
        with pytest.raises(ValueError, match="time-out"):
            shared_worker.call("echo", timeout=float("inf"))
        assert shared_worker.call("process_id", timeout=30).value == before


class TestSurroundings:
    def test_environment_and_priority(self):
        with make_worker(environment={"OMP_NUM_THREADS": "1"}) as worker:
            assert worker.call("environment", timeout=30, name="OMP_NUM_THREADS").value == "1"
            assert worker.call("niceness", timeout=30).value == max(os.nice(0), 10)
        with make_worker(low_priority=False) as worker:
            assert worker.call("niceness", timeout=30).value == os.nice(0)

    @pytest.mark.skipif(sys.platform != "linux", reason="the score is Linux's")
    def test_the_system_kills_it_before_its_parent(self, worker):
        own = int(Path("/proc/self/oom_score_adj").read_text())
        assert worker.call("oom_score", timeout=30).value == min(1000, own + 300)

    def test_the_current_folder_is_not_searched_for_modules(self, worker, tmp_path, monkeypatch):
        (tmp_path / "numpy.py").write_text("raise SystemExit('a photo folder was trusted')")
        monkeypatch.chdir(tmp_path)
        path = worker.call("search_path", timeout=30).value
        assert "" not in path
        assert str(tmp_path) not in path

    def test_memory_is_that_of_the_child(self, worker):
        assert worker.memory() == 0
        assert worker.pid is None
        worker.call("greet", timeout=30)
        assert 5e6 < worker.memory() < 500e6
        worker.stop()
        assert worker.memory() == 0

    def test_the_log_is_private_appended_to_and_set_aside_when_long(self, tmp_path):
        log = tmp_path / "logs" / "test.log"
        for _ in range(2):
            with make_worker(log=log) as worker:
                worker.call("chatter", timeout=30)
        assert log.read_text().splitlines() == ["from Python", "from C"] * 2
        assert log.stat().st_mode & 0o777 == 0o600
        log.write_bytes(b"x" * (2**20 + 1))
        with make_worker(log=log) as worker:
            worker.call("chatter", timeout=30)
        assert log.read_text().splitlines() == ["from Python", "from C"]
        assert log.with_name("test.log.old").stat().st_size == 2**20 + 1

    def test_a_log_that_cannot_be_written_is_done_without(self, tmp_path, caplog):
        caplog.set_level(logging.INFO)
        (tmp_path / "file").write_text("not a folder")
        with make_worker(log=tmp_path / "file" / "test.log") as worker:
            assert worker.call("greet", timeout=30).value == "hello"
        assert "cannot be written" in caplog.text


class TestExceptions:
    def test_a_photofind_error_is_raised_as_what_it_is(self, shared_worker):
        with pytest.raises(ImageError) as caught:
            shared_worker.call("fail", timeout=30, kind="image")
        assert type(caught.value) is ImageError
        assert caught.value.message == "a.jpg is truncated"
        assert caught.value.hint == "restore it from a backup"

    def test_a_plugins_own_error_is_raised_as_the_one_it_extends(self, shared_worker):
        with pytest.raises(ImageError, match=r"^b\.raw is truncated$") as caught:
            shared_worker.call("fail", timeout=30, kind="plugin")
        assert type(caught.value) is ImageError

    @pytest.mark.parametrize(
        ("kind", "message"),
        [
            ("value", "test worker: ValueError: two lines"),
            ("exit", "test worker: SystemExit: the plugin gave up"),
        ],
    )
    def test_any_other_is_a_worker_error_with_its_traceback(self, shared_worker, kind, message):
        before = shared_worker.call("process_id", timeout=30).value
        with pytest.raises(WorkerError) as caught:
            shared_worker.call("fail", timeout=30, kind=kind)
        assert type(caught.value) is WorkerError
        assert caught.value.message == message
        assert "in fail" in caught.value.details
        assert shared_worker.call("process_id", timeout=30).value == before

    @pytest.mark.parametrize("kind", ["memory", "threads", "descriptors"])
    def test_what_the_machine_lacks_is_no_fault_of_the_call(self, shared_worker, kind):
        with pytest.raises(WorkerResourceError):
            shared_worker.call("fail", timeout=30, kind=kind)

    @pytest.mark.parametrize(
        ("method", "message"),
        [
            ("not_json", "TypeError: Object of type set"),
            ("objects", "TypeError: arrays of object"),
            ("no_such_method", "AttributeError"),
        ],
    )
    def test_a_service_that_breaks_the_contract_is_told_so(self, shared_worker, method, message):
        with pytest.raises(WorkerError, match=message):
            shared_worker.call(method, timeout=30)
        assert shared_worker.call("greet", timeout=30).value == "good day"

    def test_a_service_that_is_not_there(self):
        with (
            Worker("no_such_module:Service", name="test") as worker,
            pytest.raises(WorkerStartError, match="ModuleNotFoundError") as caught,
        ):
            worker.call("greet", timeout=30)
        assert caught.value.message.startswith("the test worker did not start")
        assert "Traceback" in caught.value.details
        assert not worker.running

    def test_a_service_that_refuses_in_its_own_words(self):
        with (
            make_worker("Unwilling") as worker,
            pytest.raises(ImageError, match="the model is missing; install it"),
        ):
            worker.call("greet", timeout=30)
        assert not worker.running

    def test_a_service_that_crashes_or_hangs_at_its_start(self):
        with (
            make_worker("Fatal") as worker,
            pytest.raises(WorkerStartError, match="ended with exit code 5"),
        ):
            worker.call("greet", timeout=30)
        with (
            make_worker("Slow", start_seconds=1) as worker,
            pytest.raises(WorkerStartError, match="no progress for 1 s"),
        ):
            worker.call("greet", timeout=30)
        assert not worker.running


class TestCrashes:
    @pytest.mark.parametrize(
        ("method", "arguments", "message", "hint", "details"),
        [
            ("leave", {"code": 3}, "ended with exit code 3", "", "last words"),
            ("leave", {"code": 0}, "ended with exit code 0", "", "last words"),
            ("crash", {}, "was killed by SIGSEGV", "", "in crash"),
            ("kill", {}, "was killed by SIGKILL", "memory", ""),
        ],
    )
    def test_a_crash_is_told_and_the_next_call_has_a_new_child(
        self, worker, method, arguments, message, hint, details
    ):
        first = worker.call("process_id", timeout=30).value
        with pytest.raises(WorkerCrashedError) as caught:
            worker.call(method, timeout=30, **arguments)
        assert caught.value.message == f"the test worker {message}"
        assert hint in caught.value.hint
        assert details in caught.value.details
        assert is_gone(first)
        assert not worker.running
        assert worker.call("process_id", timeout=30).value != first

    def test_a_child_that_died_unnoticed_is_replaced(self, worker):
        first = worker.call("process_id", timeout=30).value
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not worker.running)
        assert worker.call("process_id", timeout=30).value != first

    def test_a_crash_is_noticed_though_a_fork_lives_on(self, worker):
        fork = worker.call("fork", timeout=30).value
        try:
            with pytest.raises(WorkerKilledError, match="SIGKILL"):
                worker.call("kill", timeout=10)
            assert not is_gone(fork)
        finally:
            os.kill(fork, signal.SIGKILL)

    def test_the_photo_that_kills_its_worker_is_found(self, worker):
        def run(batch, note):
            return worker.call("process", timeout=30, note=note, paths=batch, deadly=["c"]).value

        outcomes = list(isolate(["a", "b", "c", "d", "e"], run))
        (guilty, error), *others = outcomes
        assert guilty == ["c"]
        assert isinstance(error, WorkerCrashedError)
        assert others == [(["a", "b", "d", "e"], 4)]


class TestTimeouts:
    @pytest.mark.parametrize("method", ["hold_interpreter", "sleep_after_note"])
    def test_a_hung_child_is_ended_and_says_where_it_was(self, worker, method, monkeypatch):
        monkeypatch.setattr(process, "_PATIENCE", 20.0)  # It may be long before it gets to say it.
        first = worker.call("process_id", timeout=30).value
        arguments = {"duration": 60} if method == "sleep_after_note" else {}
        begun = time.monotonic()
        with pytest.raises(WorkerTimeoutError) as caught:
            worker.call(method, timeout=0.5, **arguments)
        assert 0.5 <= time.monotonic() - begun < patience(20)
        assert caught.value.message == "the test worker showed no progress for 0.5 s and was ended"
        assert f"in {method}" in caught.value.details
        assert is_gone(first)
        assert worker.call("greet", timeout=30).value == "hello"

    def test_a_child_that_takes_its_time_from_the_processor_is_busy(self, monkeypatch):
        """Not one that waits: the machine may have had no time for it."""
        with make_worker(low_priority=False) as worker:  # Others may use this machine, too.
            with pytest.raises(WorkerTimeoutError) as caught:
                worker.call("sleep_after_note", timeout=0.5, duration=60)
            assert not isinstance(caught.value, WorkerOverdueError)
            monkeypatch.setattr(process, "_BUSY", 0.01)
            with pytest.raises(WorkerOverdueError):
                worker.call("hold_interpreter", timeout=patience(2.0))

    def test_a_child_that_does_not_read_is_ended_too(self, worker):
        os.kill(worker.call("process_id", timeout=30).value, signal.SIGSTOP)
        with pytest.raises(WorkerTimeoutError):
            worker.call("total", np.zeros(2**22), timeout=0.5)

    def test_notes_are_progress(self, worker):
        worker.call("greet", timeout=30)
        timeout = patience(2.0)
        assert worker.call("count", timeout=timeout, to=4, pause=0.3 * timeout).value == 4

    def test_the_parents_own_time_does_not_count(self, worker):
        worker.call("greet", timeout=30)
        timeout = patience(2.0)
        wait = partial(time.sleep, 1.4 * timeout)
        reply = worker.call("count", timeout=timeout, note=lambda _: wait(), to=1)
        assert reply.value == 1

    def test_a_service_that_shows_progress_may_take_long_to_be_made(self):
        seconds = patience(3.0)  # Python itself has to start in this time.
        settings = {
            "start_seconds": seconds,
            "low_priority": False,
            "options": {"duration": 1.5 * seconds, "pause": 0.1},
        }
        with make_worker("Patient", **settings) as worker:
            assert worker.call("done", timeout=30).value
        silent = {"duration": 60, "pause": 60}
        with make_worker("Patient", start_seconds=1.0, options=silent) as worker:  # noqa: SIM117
            with pytest.raises(WorkerStartError, match="showed no progress"):
                worker.call("done", timeout=30)


class TestMemory:
    def test_a_child_that_takes_too_much_in_a_call_is_ended(self):
        with make_worker(most_bytes=150e6) as worker:
            first = worker.call("process_id", timeout=30).value
            with pytest.raises(WorkerMemoryError) as caught:
                worker.call("hold_memory", timeout=60, megabytes=400, duration=60)
            assert caught.value.message == "the test worker took more than 300 MB and was ended"
            assert is_gone(first)
            assert worker.memory_restarts == 0
            assert worker.call("greet", timeout=30).value == "hello"

    def test_a_child_that_holds_too_much_after_a_call_is_started_anew(self):
        with make_worker(most_bytes=150e6) as worker:
            first = worker.call("process_id", timeout=30).value
            assert worker.call("hold_memory", timeout=60, megabytes=200).value is None
            assert worker.memory_restarts == 1
            assert is_gone(first)
            assert worker.call("process_id", timeout=30).value != first
            assert worker.memory_restarts == 1


class TestEnds:
    def test_an_idle_child_is_ended_and_the_next_call_has_a_new_one(self):
        with make_worker(idle_seconds=3.0) as worker:
            first = worker.call("process_id", timeout=30).value
            time.sleep(0.15)
            assert worker.call("process_id", timeout=30).value == first
            wait_until(lambda: not worker.running)
            assert is_gone(first)
            assert worker.call("process_id", timeout=30).value != first

    def test_a_call_is_not_idleness(self):
        with make_worker(idle_seconds=0.1) as worker:
            assert worker.call("sleep", timeout=30, duration=0.5).value is None

    def test_calls_at_the_moment_of_the_idle_exit_are_answered(self):
        with make_worker(idle_seconds=0.02) as worker:
            for step in range(12):
                worker.call("greet", timeout=30)
                time.sleep(0.016 + 0.001 * step)

    def test_stop_is_prompt_silent_and_can_be_repeated(self, worker, tmp_path):
        worker.stop()
        first = worker.call("process_id", timeout=30).value
        begun = time.monotonic()
        worker.stop()
        worker.stop()
        assert time.monotonic() - begun < patience(15)
        assert is_gone(first)
        assert worker.call("greet", timeout=30).value == "hello"

    def test_stop_ends_the_calls_under_way_and_waiting(self, worker):
        child = worker.call("process_id", timeout=30).value
        worker._calling = lock = CountingLock()
        with ThreadPoolExecutor(3) as pool:
            calls = [pool.submit(worker.call, "sleep", timeout=60, duration=60) for _ in range(3)]
            wait_until(lambda: len(lock.comers) == 3)
            time.sleep(0.3)  # The first of them is likely to have reached the child.
            begun = time.monotonic()
            worker.stop()
            for call in calls:
                with pytest.raises(WorkerStoppedError, match="the test worker was stopped"):
                    call.result(patience(5))
        assert time.monotonic() - begun < patience(15)
        assert is_gone(child)
        assert worker.call("greet", timeout=30).value == "hello"

    def test_stop_ends_a_start(self):
        with make_worker("Slow") as worker, ThreadPoolExecutor(1) as pool:
            call = pool.submit(worker.call, "greet", timeout=60)
            wait_until(lambda: worker.running)
            worker.stop()
            with pytest.raises(WorkerStoppedError):
                call.result(patience(5))

    def test_a_note_that_fails_in_the_parent_does_not_leave_the_child_out_of_step(self, worker):
        def refuse(_):
            raise OSError("the disk is full")

        first = worker.call("process_id", timeout=30).value
        with pytest.raises(OSError, match="the disk is full"):
            worker.call("count", timeout=30, note=refuse, to=3)
        assert is_gone(first)
        assert worker.call("greet", timeout=30).value == "hello"

    def test_an_interrupted_call_does_not_leave_the_child_out_of_step(self, worker):
        def interrupt_soon(_):
            timer.start()

        first = worker.call("process_id", timeout=30).value
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        # A shell that runs the tests in the background has them ignore the signal.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with pytest.raises(KeyboardInterrupt):
                worker.call("sleep_after_note", timeout=60, note=interrupt_soon, duration=60)
        finally:
            signal.signal(signal.SIGINT, before)
        assert is_gone(first)
        assert worker.call("greet", timeout=30).value == "hello"

    def test_an_interrupt_does_not_end_the_child(self, worker):
        first = worker.call("process_id", timeout=30).value
        os.kill(first, signal.SIGINT)
        assert worker.call("process_id", timeout=30).value == first

    def test_a_worker_that_is_collected_takes_its_child_with_it(self):
        worker = make_worker()
        child = worker.call("process_id", timeout=30).value
        del worker
        wait_until(lambda: is_gone(child))


def start_parent(method=None, seconds=60.0, timeout=60.0, **arguments):
    """Return a parent process and its child, which is busy where a method is given."""
    call = {"method": method, "seconds": seconds, "timeout": timeout, "arguments": arguments}
    parent = subprocess.Popen(
        [sys.executable, str(Path(SERVICES, "worker_parent.py")), json.dumps(call)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": SERVICES},
        text=True,
    )
    child = psutil.Process(int(parent.stdout.readline()))
    if method:
        assert parent.stdout.readline() == "busy\n"
    parent.stdin.write("\n")
    parent.stdin.flush()
    return parent, child


def ended(child, seconds):
    """Whether a child without a parent ends in time; when its id is let go is up to the system."""
    began = time.monotonic()
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() - began > patience(seconds):
            child.kill()
            return False
        time.sleep(0.02)
    return True


class TestEndOfTheParent:
    def test_a_killed_parent_takes_an_idle_child_with_it(self):
        parent, child = start_parent()
        with parent:
            parent.kill()
        assert ended(child, 20)

    def test_a_killed_parent_takes_a_busy_child_with_it(self):
        parent, child = start_parent("sleep_after_note", duration=60)
        with parent:
            parent.kill()
        assert ended(child, 20)

    def test_a_killed_parent_takes_a_child_with_it_that_cannot_notice(self):
        parent, child = start_parent("hold_interpreter", timeout=0.5)
        with parent:
            parent.kill()
        assert ended(child, 20)

    @pytest.mark.parametrize(
        ("method", "arguments"), [("sleep_after_note", {"duration": 60}), ("hold_interpreter", {})]
    )
    def test_a_parent_that_ends_in_the_middle_of_a_call_ends_the_child(self, method, arguments):
        parent, child = start_parent(method, seconds=0.1, **arguments)
        with parent:
            assert parent.wait(patience(20)) == 0
        assert ended(child, 20)

    def test_a_parent_that_ends_without_a_stop_leaves_nothing(self):
        parent, child = start_parent(seconds=0)
        with parent:
            assert parent.wait(patience(20)) == 0
        assert ended(child, 20)


def test_the_child_starts_light():
    loaded = modules_loaded_by("import photofind.workers.child")
    assert not loaded & {"numpy", "PIL", "psutil", "tempfile", "platformdirs"}


@pytest.mark.skipif(sys.platform == "win32", reason="processes can always be ended there")
def test_a_process_that_cannot_be_killed_is_abandoned(monkeypatch):
    for signalled in ("terminate", "kill"):
        monkeypatch.setattr(subprocess.Popen, signalled, lambda process: None)
    with make_worker() as worker:
        stuck = worker.call("process_id", timeout=30).value
        os.kill(stuck, signal.SIGSTOP)  # As if it waited for a drive.
        try:
            with pytest.raises(WorkerTimeoutError):
                worker.call("greet", timeout=0.5)
            assert worker.call("process_id", timeout=30).value != stuck
        finally:
            monkeypatch.undo()
            os.kill(stuck, signal.SIGKILL)


def test_a_suspected_process_is_ended_with_the_reason():
    def suspect() -> None:
        raise ImageError("the drive is silent")

    with make_worker() as worker:
        before = worker.call("process_id", timeout=30).value
        os.kill(before, signal.SIGSTOP)
        with pytest.raises(ImageError, match="the drive is silent"):
            worker.call("greet", timeout=600, suspect=suspect)
        assert worker.call("process_id", timeout=30, suspect=suspect).value != before
