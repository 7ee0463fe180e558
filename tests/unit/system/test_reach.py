"""Touches of files that do not return."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from waiting import wait_until

from photofind.errors import FileNotAnsweringError, NotAnsweringError
from photofind.system.reach import Reach, read_through


class Drive:
    """Answers, or lets its threads wait until it does."""

    def __init__(self) -> None:
        self.awake = threading.Event()
        self.touches = 0

    def touch(self, answer: str = "here") -> str:
        self.touches += 1
        self.awake.wait()
        return answer


@pytest.fixture
def drive() -> Iterator[Drive]:
    drive = Drive()
    yield drive
    drive.awake.set()


@pytest.fixture
def reach() -> Iterator[Reach]:
    reach = Reach(lambda: ["/a", "/a/inner", "/b"], patience=0.2, first_pause=0.1)
    yield reach
    reach.close()


@pytest.fixture
def lenient() -> Iterator[Reach]:
    """One that gives up soon only what changes something: the rest is in time on any machine."""
    folders = ["/a", "/a/inner", "/b"]
    reach = Reach(lambda: folders, patience=60.0, first_pause=60.0, action_seconds=0.2)
    yield reach
    reach.close()


def test_what_returns_is_returned(lenient: Reach) -> None:
    reach = lenient
    assert reach.call("/a/p.jpg", "{}{}".format, 1, 2) == "12"
    with pytest.raises(FileNotFoundError):
        reach.call("/a/p.jpg", os.stat, "/no/such/file")
    assert reach.answers("/a")


def test_a_touch_that_does_not_return_is_given_up(reach: Reach, drive: Drive) -> None:
    with pytest.raises(NotAnsweringError, match="/a does not answer") as raised:
        reach.call("/a/p.jpg", drive.touch)
    assert raised.value.folder == "/a"
    assert reach.silent == ["/a"]


def test_the_next_touch_of_the_folder_fails_at_once(drive: Drive) -> None:
    reach = Reach(lambda: ["/a"], patience=0.2, first_pause=60.0)
    with pytest.raises(NotAnsweringError):
        reach.call("/a/p.jpg", drive.touch)
    with pytest.raises(NotAnsweringError):
        reach.call("/a/q.jpg", drive.touch)
    wait_until(lambda: drive.touches, "the first touch")
    assert drive.touches == 1
    reach.close()


def test_other_folders_answer_all_the_same(lenient: Reach, drive: Drive) -> None:
    reach = lenient
    with pytest.raises(NotAnsweringError):
        reach.act("/a/p.jpg", drive.touch)
    assert reach.silent == ["/a"]
    assert reach.call("/b/p.jpg", len, "four") == 4
    assert reach.call("/a/inner/p.jpg", len, "four") == 4
    assert reach.call("/elsewhere/p.jpg", len, "four") == 4


def test_a_folder_answers_again_once_the_touch_returns(lenient: Reach, drive: Drive) -> None:
    reach = lenient
    told: list[tuple[str, bool]] = []
    reach.tell(lambda folder: told.append((folder, reach.answers(folder))))
    with pytest.raises(NotAnsweringError):
        reach.act("/a/p.jpg", drive.touch)
    drive.awake.set()
    wait_until(lambda: told == [("/a", False), ("/a", True)])
    assert reach.call("/a/p.jpg", drive.touch) == "here"


def test_it_is_tried_again_though_the_first_touch_never_returns(reach: Reach) -> None:
    stuck, ways = threading.Event(), [0]

    def touch() -> None:
        ways[0] += 1
        if ways[0] < 3:
            stuck.wait()

    with pytest.raises(NotAnsweringError):
        reach.call("/a/p.jpg", touch)
    wait_until(lambda: reach.answers("/a"))
    assert ways[0] >= 3  # More, if the third begins late.
    stuck.set()


def test_pauses_grow(drive: Drive) -> None:
    reach = Reach(lambda: ["/a"], patience=0.1, first_pause=0.05)
    times: list[float] = []

    def touch() -> None:
        times.append(time.monotonic())
        drive.touch()

    began = time.monotonic()
    with pytest.raises(NotAnsweringError):
        reach.call("/a/p.jpg", touch)
    wait_until(lambda: len(times) >= 5)
    reach.close()
    # A busy machine delays single touches, but brings none forward.
    assert times[4] - began >= 0.1 + 0.05 + 0.1 + 0.2 + 0.4


def test_what_changes_something_is_not_done_again(reach: Reach, drive: Drive, tmp_path) -> None:
    place = str(tmp_path)
    reach = Reach(lambda: [place], patience=0.1, first_pause=0.05, action_seconds=0.1)
    with pytest.raises(NotAnsweringError):
        reach.act(place, drive.touch)
    wait_until(lambda: reach.answers(place) and drive.touches)
    assert drive.touches == 1
    reach.close()


def test_work_that_gets_on_is_waited_for() -> None:
    def work(beat: Callable[[], None]) -> str:
        for _ in range(12):
            time.sleep(0.2)
            beat()
        return "done"

    reach = Reach(lambda: ["/a"], patience=2.0)
    assert reach.follow("/a", work) == "done"
    reach.close()


def test_work_that_was_given_up_ends_at_its_next_sign(reach: Reach, drive: Drive) -> None:
    reached = []

    def work(beat: Callable[[], None]) -> None:
        drive.touch()
        beat()
        reached.append("here")

    with pytest.raises(NotAnsweringError):
        reach.follow("/a", work, lambda beat: drive.touch())
    drive.awake.set()
    wait_until(lambda: reach.answers("/a"))
    assert reached == []


def test_closing_ends_every_wait(drive: Drive) -> None:
    reach = Reach(lambda: ["/a"], patience=3600.0)
    raised: list[Exception] = []

    def ask() -> None:
        try:
            reach.call("/a/p.jpg", drive.touch)
        except NotAnsweringError as error:
            raised.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: drive.touches == 1)
    reach.close()
    asking.join()
    assert raised
    with pytest.raises(NotAnsweringError):
        reach.call("/b/p.jpg", len, "four")


def test_a_link_is_known_by_what_it_led_to(tmp_path, drive: Drive) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real", target_is_directory=True)
    reach = Reach(lambda: [str(link)], patience=60.0, first_pause=60.0, action_seconds=0.2)
    assert reach.real_path(str(link)) == os.path.realpath(tmp_path / "real")
    with pytest.raises(NotAnsweringError):
        reach.act(str(link), drive.touch)
    assert reach.real_path(str(link)) == os.path.realpath(tmp_path / "real")
    reach.close()


def test_reading_through_tells_each_piece(tmp_path) -> None:
    file = tmp_path / "p.jpg"
    file.write_bytes(bytes(3 << 20))
    beats: list[None] = []
    read_through(str(file), lambda: beats.append(None))
    assert len(beats) == 3


# Single files.


@pytest.fixture
def patient(tmp_path) -> Iterator[Reach]:
    """One that leaves a file alone for a minute, and finds out in time that its folder answers."""
    reach = Reach(lambda: [str(tmp_path)], patience=1.0, first_pause=60.0)
    yield reach
    reach.close()


def test_a_file_alone_that_does_not_answer_is_left_alone(patient, drive, tmp_path) -> None:
    path, heard = str(tmp_path / "p.jpg"), []
    patient.tell(heard.append)
    for _ in range(2):  # The second time at once.
        with pytest.raises(FileNotAnsweringError, match="does not answer") as raised:
            patient.read(path, lambda beat: drive.touch())
    assert (drive.touches, raised.value.path, raised.value.folder) == (1, path, str(tmp_path))
    assert patient.answers(str(tmp_path))
    assert patient.read(str(tmp_path / "other.jpg"), lambda beat: "here") == "here"
    with pytest.raises(FileNotAnsweringError):
        patient.check(path)
    drive.awake.set()
    wait_until(lambda: heard == [path])
    patient.check(path)


def test_a_file_is_tried_again_after_a_pause_that_grows(drive, tmp_path, monkeypatch) -> None:
    reach, path = Reach(patience=0.05, first_pause=0.05), str(tmp_path / "p.jpg")
    # The folder answers, however busy the machine is.
    monkeypatch.setattr(reach, "call", lambda path, function, *arguments: function(*arguments))
    times: list[float] = []

    def read(beat: Callable[[], None]) -> None:
        times.append(time.monotonic())
        drive.touch()

    def is_read_five_times() -> bool:
        with pytest.raises(FileNotAnsweringError):
            reach.read(path, read)
        return len(times) >= 5

    began = time.monotonic()
    wait_until(is_read_five_times)
    reach.close()
    assert times[4] - began >= 0.05 + 0.1 + 0.2 + 0.4


def test_a_folder_of_which_several_files_hang_does_not_answer(patient, drive, tmp_path) -> None:
    for number in range(3):
        with pytest.raises(FileNotAnsweringError):
            patient.read(str(tmp_path / f"{number}.jpg"), lambda beat: drive.touch())
    with pytest.raises(NotAnsweringError) as raised:
        patient.read(str(tmp_path / "3.jpg"), lambda beat: drive.touch())
    assert not isinstance(raised.value, FileNotAnsweringError)
    assert patient.silent == [str(tmp_path)]


def test_a_folder_that_cannot_be_listed_does_not_answer(
    patient, drive, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(os, "scandir", lambda path: drive.touch())
    with pytest.raises(NotAnsweringError) as raised:
        patient.read(str(tmp_path / "p.jpg"), lambda beat: drive.touch())
    assert not isinstance(raised.value, FileNotAnsweringError)
    assert patient.silent == [str(tmp_path)]


def test_an_error_of_the_folder_is_an_answer(patient, drive, tmp_path) -> None:
    with pytest.raises(FileNotAnsweringError):
        patient.read(str(tmp_path / "no such folder" / "p.jpg"), lambda beat: drive.touch())
