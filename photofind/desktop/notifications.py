"""Desktop notifications, on each platform."""

from __future__ import annotations

import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from xml.sax.saxutils import escape

from photofind.errors import DesktopError
from photofind.model import Event
from photofind.system.bus import call

__all__ = ["Notices", "notify"]

_TITLES = {
    "indexed": "Your photos are ready to search",
    "offline": "A drive was disconnected",
    "problem": "photofind needs your attention",
}
"""Titles by topic; other topics, such as a drive that is back, are not worth a notification."""

_log = logging.getLogger(__name__)


def notify(title: str, text: str) -> None:
    """Show a notification.

    Raises
    ------
    DesktopError
        If there is no notification service.
    """
    # A name that is not UTF-8 cannot be shown unchanged.
    title, text = (t.encode("utf-8", "replace").decode() for t in (title, text))
    if sys.platform == "win32":
        _run_quietly(
            ["powershell", "-NoProfile", "-NonInteractive", "-Command", _TOAST],
            PHOTOFIND_TITLE=title,
            PHOTOFIND_TEXT=text,
        )
    elif sys.platform == "darwin":
        words = [word for line in _APPLE_SCRIPT for word in ("-e", line)]
        _run_quietly(["osascript", *words, title, text])
    else:
        _notify_freedesktop(title, text)


class Notices:
    """Shows notifications for the daemon's notices, without blocking the daemon.

    Parameters
    ----------
    wanted
        Returns whether notifications are enabled, called for each notice.
    show
        Shows a notification.
    """

    def __init__(
        self, wanted: Callable[[], bool], show: Callable[[str, str], None] = notify
    ) -> None:
        self._wanted = wanted
        self._show = show
        self._waiting: queue.Queue[Event] = queue.Queue()
        self._thread: threading.Thread | None = None

    def __call__(self, event: Event) -> None:
        """Queue an event; a thread shows it, since a desktop may be slow."""
        if event.kind != "notice" or event.data.get("topic") not in _TITLES:
            return
        self._waiting.put(event)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="notices", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            notice = self._waiting.get().data
            try:
                if self._wanted():
                    self._show(_TITLES[notice["topic"]], notice["text"])
            except Exception as error:  # noqa: BLE001 - Notifications are optional.
                _log.debug("a notification could not be shown: %s", error)


def _notify_freedesktop(title: str, text: str) -> None:
    """Show a notification by the Desktop Notifications Specification."""
    name, path = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
    (abilities,) = call(name, path, name, "GetCapabilities")
    if "body-markup" in abilities:
        text = escape(text)
    hints = {"desktop-entry": ("s", "photofind")}
    call(name, path, name, "Notify", "susssasa{sv}i", "photofind", 0, "photofind", title, text,
         [], hints, -1)  # fmt: skip


_APPLE_SCRIPT = (
    "on run arguments",
    "display notification (item 2 of arguments) with title (item 1 of arguments)",
    "end run",
)

# PowerShell may show toasts and is always installed.
_TOAST = """
$null = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType=WindowsRuntime]
$xml = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent('ToastText02')
$texts = $xml.GetElementsByTagName('text')
$null = $texts.Item(0).AppendChild($xml.CreateTextNode($env:PHOTOFIND_TITLE))
$null = $texts.Item(1).AppendChild($xml.CreateTextNode($env:PHOTOFIND_TEXT))
$toast = [Windows.UI.Notifications.ToastNotification]::new($xml)
$shell = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe'
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($shell).Show($toast)
"""  # noqa: E501


def _run_quietly(words: list[str], **variables: str) -> None:
    """Run a program that shows a notification; the text is passed as environment variables."""
    try:
        done = subprocess.run(
            words,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DesktopError(f"a notification could not be shown: {error}") from error
    if done.returncode:
        raise DesktopError(f"a notification could not be shown: {words[0]} failed")
