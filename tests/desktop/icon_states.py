"""A tray icon that shows the states named on stdin, one per line; for tests."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from photofind.desktop.icon import IconState
from photofind.tray.entries import Entry
from photofind.tray.host import backend
from photofind.tray.icons import make_icon


def main() -> None:
    icon = make_icon(
        backend(),
        IconState.STOPPED,
        "photofind",
        lambda: [Entry("Nothing", lambda: None, default=True)],
        Path(sys.argv[1]),
    )

    def follow() -> None:
        for line in sys.stdin:
            icon.show_state(IconState[line.strip()])
        icon.stop()

    def begin(icon: object) -> None:
        icon.visible = True  # type: ignore[attr-defined]
        threading.Thread(target=follow, daemon=True).start()

    icon.run(setup=begin)


main()
