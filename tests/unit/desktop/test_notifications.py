"""Which events are shown as notifications, and how on each platform."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from waiting import patience

from photofind.desktop import notifications
from photofind.desktop.notifications import Notices, notify
from photofind.errors import DesktopError
from photofind.model import Event

ODD = "$(id) `id` \"quoted\" it's <b>bold</b> & \\ 🏖\n-- 'x"


class Shown:
    """The notifications that were shown, with a signal for each."""

    def __init__(self, *, fails: bool = False) -> None:
        self.all: list[tuple[str, str]] = []
        self._each = threading.Semaphore(0)
        self._fails = fails

    def __call__(self, title: str, text: str) -> None:
        self.all.append((title, text))
        self._each.release()
        if self._fails:
            raise DesktopError("nobody shows any")

    def wait(self) -> None:
        assert self._each.acquire(timeout=patience(20))


def notice(topic: str, text: str = "so it is") -> Event:
    return Event("notice", {"topic": topic, "text": text})


def test_notifications_are_shown() -> None:
    shown = Shown()
    notices = Notices(lambda: True, shown)
    told = [notice("indexed"), notice("offline"), notice("problem", "the disk is full")]
    others = [notice("online"), notice("new"), Event("activity", None), Event("stopping", None)]
    for event in (*others, *told, *others):
        notices(event)
    for _ in told:
        shown.wait()
    assert shown.all == [
        ("Your photos are ready to search", "so it is"),
        ("A drive was disconnected", "so it is"),
        ("photofind needs your attention", "the disk is full"),
    ]


def test_the_setting_is_checked_each_time() -> None:
    shown, answers = Shown(), iter([False, True])
    notices = Notices(lambda: next(answers), shown)
    notices(notice("indexed", "unwanted"))
    notices(notice("indexed", "wanted"))
    shown.wait()
    assert [text for _, text in shown.all] == ["wanted"]


def test_a_failure_does_not_affect_later_notifications() -> None:
    shown = Shown(fails=True)
    notices = Notices(lambda: True, shown)
    for _ in range(2):
        notices(notice("problem"))
        shown.wait()


class Ran:
    """A fake ``subprocess.run``."""

    def __init__(self, code: int = 0) -> None:
        self.code = code

    def __call__(self, words: Sequence[str], **options: Any) -> Any:
        self.words, self.environment = words, options["env"]
        return subprocess.CompletedProcess(words, self.code)


def test_on_macos_the_text_is_an_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = Ran()
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(notifications.subprocess, "run", ran)
    notify("title", ODD)
    assert ran.words[0] == "osascript"
    assert ran.words[-2:] == ["title", ODD]
    assert ODD not in ran.words[:-1]


def test_on_windows_the_text_is_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran = Ran()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(notifications.subprocess, "run", ran)
    notify("title", ODD)
    assert not any(ODD in word for word in ran.words)
    assert ran.environment["PHOTOFIND_TEXT"] == ODD


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_a_failing_program_is_an_error(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(notifications.subprocess, "run", Ran(code=1))
    with pytest.raises(DesktopError, match="a notification could not be shown"):
        notify("title", "text")


@pytest.mark.parametrize("address", ["", "unix:path=/nowhere/bus", "tcp:host=127.0.0.1,port=1"])
def test_without_a_bus_there_is_none(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    with pytest.raises(DesktopError, match="session bus"):
        notify("title", "text")
