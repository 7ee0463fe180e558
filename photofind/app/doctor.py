"""Check a home and its library, and repair what can be repaired."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path

from photofind.app.library_folders import unusable_rules
from photofind.errors import LibraryError, LockedError, NotAnsweringError, PhotofindError
from photofind.library.store import Store
from photofind.model import Check
from photofind.model.exclude_rules import is_rule
from photofind.model.records import watched_here
from photofind.paths import Home
from photofind.settings import read_settings, repair_settings
from photofind.system.disk import is_read_only
from photofind.system.home_guard import can_be_closed, check_files, check_home, close_home
from photofind.system.reach import DOES_NOT_ANSWER, Reach

__all__ = ["examine", "examine_home"]

LITTLE_SPACE = 500_000_000
_REPAIRS = "`photofind doctor --repair`"
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def examine(
    home: Home,
    open_library: Callable[[], AbstractContextManager[Store]],
    describe: Callable[[], object],
    reach: Reach,
    *,
    repair: bool,
) -> Iterator[Check]:
    """Yield what was looked at in a home and its library, and how it was found.

    Parameters
    ----------
    home
        Where the files are.
    open_library
        Opens the library, for writing if it is to be repaired.
    describe
        Starts the extractor in use, and raises what is wrong with it.
    reach
        Looks at the folders.
    repair
        Whether to repair what can be repaired.
    """
    yield from _by_itself("files", lambda: _files(home, repair=repair))
    yield from _by_itself("settings", lambda: _settings(home, repair=repair))
    yield from _by_itself("permissions", lambda: [_privacy(home, repair=repair)])
    yield from _by_itself("disk", lambda: [_space_on_disk(home)])
    with ExitStack() as opened:
        try:
            library = opened.enter_context(open_library())
        except LockedError:
            raise
        except PhotofindError as error:
            yield Check("library", "broken", error.message, error.hint)
            yield _extractor(describe)
            return
        yield from _by_itself("library", lambda: library.check(repair=repair))
        yield from _by_itself("text index", lambda: _text_index(home, repair=repair))
        yield from _by_itself("exclude rules", lambda: _exclude_rules(library, repair=repair))
        yield _extractor(describe)
        for folder in watched_here(library.folders()):
            yield _folder(folder.path, folder.state, folder.reason, reach)


def examine_home(home: Home, *, repair: bool) -> Check:
    """Return whether only this user can change a home: before anything in it is used.

    Parameters
    ----------
    home
        Where the files are.
    repair
        Whether to close it to others, if it is this user's own.
    """
    try:
        if repair and can_be_closed(home):
            close_home(home)
            check_home(home)
            return Check("home", "repaired", "others could write to it; now nobody else can")
        check_home(home)
        check_files(home)
    except LibraryError as error:
        return Check("home", "broken", error.message, error.hint)
    except OSError as error:
        return Check("home", "broken", f"it cannot be looked at: {error}", "check its permissions")
    return Check("home", "ok", f"{home.root} is yours alone")


def _by_itself(name: str, looks: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """Yield what was found, and if something cannot be looked at, that: the others still are."""
    try:
        yield from looks()
    except (OSError, PhotofindError, ValueError) as error:
        hint = error.hint if isinstance(error, PhotofindError) else "check the disk"
        message = error.message if isinstance(error, PhotofindError) else str(error)
        yield Check(name, "broken", f"it cannot be looked at: {message}", hint)


def _settings(home: Home, *, repair: bool) -> list[Check]:
    faults = read_settings(home.settings).faults
    if not faults:
        return [Check("settings", "ok", "every setting can be used")]
    if not repair:
        advice = f"{_REPAIRS} makes comments of settings that are not used"
        return [
            Check("settings", "broken", f"not used: {fault.message}", advice) for fault in faults
        ]
    repair_settings(home.settings)
    return [Check("settings", "repaired", f"now a comment: {fault.message}") for fault in faults]


def _exclude_rules(library: Store, *, repair: bool) -> Iterator[Check]:
    for folder in watched_here(library.folders()):
        found = unusable_rules([folder])
        if not found:
            continue
        name = f"exclude rules of {folder.path}"
        if not repair:
            yield Check(name, "broken", "; ".join(found), f"{_REPAIRS} removes them")
            continue
        library.put_folder(replace(folder, excludes=tuple(filter(is_rule, folder.excludes))))
        yield Check(name, "repaired", "; ".join(found))


def _files(home: Home, *, repair: bool) -> Iterator[Check]:
    """Yield what is not what it has to be: a folder in place of a file, or closed to its owner."""
    rights = os.R_OK | (0 if is_read_only(_place(home)) else os.W_OK)
    sound = True
    for path, is_folder in _expected(home):
        if not path.exists() or (path.is_dir() == is_folder and _is_open(path, rights)):
            continue
        sound = False
        if path.is_dir() == is_folder:
            message = f"{path} does not permit its owner to read and write"
            advice = f"{_REPAIRS} permits it"
        else:
            message = f"{path} is {'a file' if is_folder else 'a folder'}"
            advice = f"{_REPAIRS} gives it another name"
        if not repair:
            yield Check("files", "broken", message, advice)
        elif path.is_dir() == is_folder:
            path.chmod(0o700 if is_folder else 0o600)
            yield Check("files", "repaired", f"{message}; now it does")
        else:
            other = path.rename(home.root / f"{path.name}.{time.time_ns()}")
            yield Check("files", "repaired", f"{message}; it is called {other.name} now")
    if sound:
        yield Check("files", "ok", "each is what it has to be")


def _expected(home: Home) -> Iterator[tuple[Path, bool]]:
    """Yield what may be in a home, and whether it is a folder; folders before what is in them."""
    for folder in (home.spaces, home.cache, home.logs, home.models, home.training):
        yield folder, True
    locks = [home.lock, home.graph_lock, home.daemon_lock, home.daemon_start_lock]
    others = [home.root / name for name in ("runtime.json", "pages.json", "recent.json")]
    for file in (home.settings, home.catalog, home.words, *locks, *others):
        yield file, False
    for space in home.spaces.glob("*@*"):
        yield space, True
        for lock in space.glob("*.lock"):
            yield lock, False
    for path in home.spaces.glob("*/**/*"):
        if path.suffix != ".lock":
            yield path, path.is_dir()


def _text_index(home: Home, *, repair: bool) -> Iterator[Check]:
    from photofind.words.text_file import is_sound
    from photofind.words.text_index import TextIndex

    if not home.words.exists() or is_sound(home.words):
        return
    if repair:
        TextIndex(home.words).remove()
        yield Check("text index", "repaired", "it was damaged, and is made again when it is needed")
    else:
        yield Check("text index", "warning", "it is damaged", f"{_REPAIRS} has it made again")


def _is_open(path: Path, rights: int) -> bool:
    return os.access(path, rights | (os.X_OK if path.is_dir() else 0))


def _privacy(home: Home, *, repair: bool) -> Check:
    if os.name == "nt" or not home.root.exists():
        return Check("permissions", "ok", "the files are yours alone")
    open_to_others = [
        path
        for path in (home.root, *home.root.rglob("*"))
        if not path.is_symlink() and path.exists() and path.stat().st_mode & _FOR_OTHERS
    ]
    # numba and the demonstration write what is no secret, inside folders that are closed.
    exposed = [path for path in open_to_others if path == home.root or path.parent == home.root]
    if not exposed:
        return Check("permissions", "ok", "the files are yours alone")
    names = ", ".join(sorted(path.name for path in exposed))
    if not repair:
        advice = "`photofind doctor --repair` closes them"
        return Check("permissions", "warning", f"others can read {names}", advice)
    for path in exposed:
        path.chmod(path.stat().st_mode & ~_FOR_OTHERS)
    return Check("permissions", "repaired", f"others could read {names}; now nobody else can")


def _space_on_disk(home: Home) -> Check:
    import psutil

    if is_read_only(_place(home)):
        advice = "make it writable, or set PHOTOFIND_HOME to a writable folder"
        return Check("disk", "broken", f"the disk of {home.root} can only be read", advice)
    free = int(psutil.disk_usage(str(_place(home))).free)
    message = f"{free / 1e9:,.1f} GB are free for {home.root}"
    if free < LITTLE_SPACE:
        return Check("disk", "warning", message, "free some space: new photos need it")
    return Check("disk", "ok", message)


def _place(home: Home) -> Path:
    """Return the home, or what is to hold it where there is none yet."""
    return next(path for path in (home.root, *home.root.parents) if path.exists())


def _extractor(describe: Callable[[], object]) -> Check:
    try:
        description = describe()
    except PhotofindError as error:
        return Check("extractor", "broken", error.message, error.hint)
    name = f"{getattr(description, 'name', '')} {getattr(description, 'version', '')}".strip()
    return Check("extractor", "ok", f"{name} works")


def _folder(path: str, state: str, reason: str | None, reach: Reach) -> Check:
    name = f"folder {path}"
    try:
        is_there = reach.call(path, os.path.isdir, path)
        is_readable = reach.call(path, os.access, path, os.R_OK | os.X_OK)
    except NotAnsweringError as error:
        return Check(name, "warning", f"{DOES_NOT_ANSWER}; its photos are kept", error.hint)
    if not is_there:
        advice = "mount its drive, or take it out with `photofind folders remove`"
        return Check(name, "warning", "it is not there; its photos are kept", advice)
    if not is_readable:
        return Check(name, "broken", "it cannot be read", "give yourself the right to read it")
    if state == "offline":
        return Check(name, "warning", f"offline: {reason}", "`photofind index` looks again")
    return Check(name, "ok", "it can be read")
