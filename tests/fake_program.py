"""A fake program that records the arguments of its calls."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from waiting import wait_until

__all__ = ["ODD_NAMES", "FakeProgram"]

ODD_NAMES = (
    b"plain.jpg",
    b"with  spaces .jpg",
    b'it\'s "quoted".jpg',
    b"two\nlines\n.jpg",
    b"100% %f %F %%u %U.jpg",
    b"hash#tag?query&amp;.jpg",
    b"-n --leading=dashes.jpg",
    "emoji 🏖 café.jpg".encode(),
    b"not-utf8-\xff\xe9.jpg",
    b"back\\slash $HOME `id` $(id);&|<>*[a]{b}!.jpg",
    b"~tab\t_under__score_.jpg",
)
"""File names that break wrong quoting."""


class FakeProgram:
    """An executable script in a folder of its own, which records its calls."""

    def __init__(self, folder: Path, name: str = "photofind") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / name
        self._calls = folder / "calls"
        self._calls.mkdir()
        calls = shlex.quote(str(self._calls))
        self.path.write_text(
            "#!/bin/sh\n"
            f"new=$(mktemp {calls}/.XXXXXXXX)\n"
            'printf \'%s\\0\' "$@" > "$new"\n'
            f'mv "$new" {calls}/"$(date +%s%N)"-$$\n',
            "utf-8",
        )
        self.path.chmod(0o755)

    def calls(self) -> list[list[bytes]]:
        """Return the arguments of all calls so far, in order."""
        found = sorted(self._calls.glob("[0-9]*"))
        return [file.read_bytes().split(b"\0")[:-1] for file in found]

    def wait_for_calls(self, count: int = 1, seconds: float = 30) -> list[list[bytes]]:
        """Wait until so many calls have come, and return them."""

        def look() -> list[list[bytes]]:
            return calls if len(calls := self.calls()) >= count else []

        return wait_until(look, f"call {count} of {self.path.name}", seconds)

    def forget(self) -> None:
        """Delete the record of calls."""
        for file in self._calls.iterdir():
            file.unlink()


def make_files(folder: Path, names: tuple[bytes, ...] = ODD_NAMES) -> list[bytes]:
    """Create empty files with these names, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [os.path.join(os.fsencode(folder), name) for name in names]  # noqa: PTH118
    for path in paths:
        with open(path, "wb"):  # noqa: PTH123
            pass
    return paths
