"""Whose the home is: only its user may own it, write to it, or put another in its place.

What stands in the home decides where the daemon is, which models are loaded and what is removed. So
a home that others can change is not used, as ssh uses no such keys. Every folder and every link on
the way to it counts. Windows has no such check: there the folder for user data is private by its
access list, and modes say nothing.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from photofind.errors import LibraryError
from photofind.paths import Home

__all__ = ["can_be_closed", "check_files", "check_home", "close_home"]

_MOST_LINKS = 40  # As many as Linux follows.
_ROOT = 0
_ELSEWHERE = "set PHOTOFIND_HOME to a folder of your own"
_MACOS_ADMINISTRATORS = 80


def check_home(home: Home) -> None:
    """Check whether only this user and root can change a home, or make it if it is missing.

    Raises
    ------
    LibraryError
        Others can.
    """
    if os.name == "nt":
        return
    here = _way(home.root.absolute())
    if here is None:
        return
    status = here.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise LibraryError(f"the home {home.root} is not a folder", _ELSEWHERE)
    if status.st_uid != os.geteuid():
        raise _owned_by_another(home, status.st_uid)
    if _others_write(status):
        raise LibraryError(
            f"others can write to the home {home.root}", "`photofind doctor --repair` closes it"
        )


def can_be_closed(home: Home) -> bool:
    """Return whether a home that others can write to is this user's own, and nothing else is wrong.

    Raises
    ------
    LibraryError
        Something on the way to it is.
    """
    here = None if os.name == "nt" else _way(home.root.absolute())
    if here is None:
        return False
    status = here.lstat()
    return status.st_uid == os.geteuid() and stat.S_ISDIR(status.st_mode) and _others_write(status)


def close_home(home: Home) -> None:
    """Let nobody but this user reach a home; see :func:`can_be_closed`.

    Raises
    ------
    OSError
        The disk refuses, or keeps no modes.
    """
    descriptor = os.open(home.root.resolve(), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, stat.S_IRWXU)
    finally:
        os.close(descriptor)


def check_files(home: Home) -> None:
    """Check whether everything in a home belongs to its user.

    Raises
    ------
    LibraryError
        Something does not: another user, such as root, has run photofind on this home.
    """
    if os.name == "nt":
        return
    user = os.geteuid()
    foreign = [path for path in home.root.rglob("*") if path.lstat().st_uid != user]
    if foreign:
        import shlex  # Commands wait for what they import.

        first = min(foreign)
        raise LibraryError(
            f"{len(foreign)} files in the home {home.root} belong to others, such as "
            f"{first.relative_to(home.root)} to {_name(first.lstat().st_uid)}",
            f"`sudo chown -R {_name(user)} {shlex.quote(str(home.root))}` gives them back",
        )


def _owned_by_another(home: Home, owner: int) -> LibraryError:
    name = _name(owner)
    if os.geteuid() == _ROOT:
        # What root writes there its user could not read any more.
        return LibraryError(f"the home {home.root} belongs to {name}", f"run photofind as {name}")
    return LibraryError(f"the home {home.root} belongs to {name}", _ELSEWHERE)


def _advice(*places: Path) -> str:
    """Return what to do where one of these belongs to a user who can exchange the home."""
    owners: list[int] = []
    for place in places:
        with suppress(OSError):  # It is not there, or cannot be looked at.
            owners.append(place.lstat().st_uid)
    if os.geteuid() == _ROOT and any(owners):
        # It is that user's home: what root writes there its user could not read any more.
        return f"run photofind as {_name(max(owners))}, or {_ELSEWHERE}"
    return _ELSEWHERE


def _way(path: Path) -> Path | None:
    """Follow a path by every folder and link; return where it leads, None if something is missing.

    Raises
    ------
    LibraryError
        Others can put something else in the place of a part of it.
    """
    for folder, entry in _parts(path):
        if (fault := _fault_of_folder(folder, entry)) is not None:
            raise LibraryError(f"the home {path} can be exchanged: {fault}", _advice(folder, entry))
        if not os.path.lexists(entry):
            return None
        end = entry
    return end


def _parts(path: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each folder on the way to an absolute path, and what is looked for in it.

    The folders are real. A link is yielded, and then what it leads by.
    """
    folder, links = Path(path.anchor), 0
    names = [*reversed(path.parts[1:])]
    while names:
        name = names.pop()
        if name == os.pardir:
            folder = folder.parent
            continue
        entry = folder / name
        yield folder, entry
        if not entry.is_symlink():
            folder = entry
            continue
        links += 1
        if links > _MOST_LINKS:
            raise LibraryError(f"the home {path} is a circle of links", _ELSEWHERE)
        target = entry.readlink()
        if target.is_absolute():
            folder = Path(target.anchor)
        names += [part for part in reversed(target.parts) if part != target.anchor]


def _fault_of_folder(folder: Path, entry: Path) -> str | None:
    """Return why others can exchange an entry of a folder; None if they cannot."""
    try:
        status = folder.lstat()
    except OSError as error:
        return f"{folder} cannot be looked at: {error.strerror}"
    if not _is_trusted(status.st_uid):
        return f"{folder} belongs to {_name(status.st_uid)}"
    if not _others_write(status):
        return None
    if not status.st_mode & stat.S_ISVTX:
        return f"others can write to {folder}"
    try:
        owner = entry.lstat().st_uid
    except OSError:  # It is not there, and this user makes it: in such a folder only once.
        return None
    return None if _is_trusted(owner) else f"{entry} belongs to {_name(owner)}"


def _is_trusted(user: int) -> bool:
    return user in (os.geteuid(), _ROOT) or _is_unknown_here(user)


def _is_unknown_here(user: int) -> bool:
    """Return whether a container shows a user of the system outside of it: its root, mostly."""
    try:
        unknown = int(Path("/proc/sys/kernel/overflowuid").read_text())
        maps = Path("/proc/self/uid_map").read_text().split()
    except (OSError, ValueError):
        return False
    return user == unknown and maps[:3] != ["0", "0", str(2**32 - 1)]


def _others_write(status: os.stat_result) -> bool:
    if status.st_mode & stat.S_IWOTH:
        return True
    return bool(status.st_mode & stat.S_IWGRP) and not _is_group_of_one(status.st_gid)


def _is_group_of_one(group: int) -> bool:
    """Return whether a group is root's, or this user's alone, as many systems make for each."""
    if group == _ROOT or (sys.platform == "darwin" and group == _MACOS_ADMINISTRATORS):
        return True
    import grp
    import pwd

    try:
        user, known = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return (
        group == user.pw_gid
        and known.gr_name == user.pw_name
        and ({*known.gr_mem} <= {user.pw_name})
    )


def _name(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
