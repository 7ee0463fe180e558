"""Where photofind keeps its files, and how it writes them.

Everything is in one folder, the *home*: ``$PHOTOFIND_HOME`` if set, otherwise the platform's folder
for user data. Files are private to the user (0600, folders 0700).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "Home",
    "is_below",
    "new_private_file",
    "open_private",
    "private_folder",
    "remove_file",
    "sync_folder",
    "write_atomically",
]


class Home(NamedTuple):
    """The folder of photofind's files, and the names in it.

    Creates nothing, so a command that only reads leaves no trace.
    """

    root: Path

    @classmethod
    def default(cls) -> Home:
        """Return the home of this user: ``$PHOTOFIND_HOME`` or the platform's data folder."""
        if override := os.environ.get("PHOTOFIND_HOME"):
            return cls(Path(override).expanduser().absolute())
        from platformdirs import user_data_path

        return cls(user_data_path("photofind", appauthor=False))

    @property
    def settings(self) -> Path:
        """The settings, TOML."""
        return self.root / "settings.toml"

    @property
    def catalog(self) -> Path:
        """The catalog's journal (docs/develop/storage.md)."""
        return self.root / "catalog"

    @property
    def spaces(self) -> Path:
        """One folder per embedding space (extractor and version): its embeddings and its index."""
        return self.root / "spaces"

    @property
    def models(self) -> Path:
        """One file per extractor that is a model in the home, and a folder for each."""
        return self.root / "models"

    @property
    def training(self) -> Path:
        """A folder for each training through the network that is not finished."""
        return self.root / "training"

    @property
    def extractor_memory(self) -> Path:
        """Which spaces extractors fill, and which answered last."""
        return self.root / "extractors.json"

    @property
    def evaluations(self) -> Path:
        """One folder for each report of an evaluation that is kept."""
        return self.root / "evaluations"

    @property
    def words(self) -> Path:
        """The text index, an SQLite file; made again when it is gone."""
        return self.root / "words.sqlite"

    @property
    def trashed(self) -> Path:
        """One file for each move to the trash that can be undone."""
        return self.root / "trashed"

    @property
    def metrics(self) -> Path:
        """What was learned from judgements: two files for each space."""
        return self.root / "metrics"

    @property
    def turn(self) -> Path:
        """The lock of the process that decodes a very large picture."""
        return self.root / "turn.lock"

    @property
    def lock(self) -> Path:
        """The lock of the process that writes to the library."""
        return self.root / "lock"

    @property
    def graph_lock(self) -> Path:
        """The lock of the process that builds graphs in the background."""
        return self.root / "graph.lock"

    @property
    def daemon_lock(self) -> Path:
        """The lock that the daemon holds while it runs."""
        return self.root / "daemon.lock"

    @property
    def daemon_start_lock(self) -> Path:
        """The lock of the process that starts the daemon, held until the daemon answers."""
        return self.root / "daemon.start.lock"

    @property
    def doors(self) -> Path:
        """Files that lead a browser to the page (`photofind.daemon.doors`)."""
        return self.root / "doors"

    @property
    def cache(self) -> Path:
        """Files that can be deleted and are created again."""
        return self.root / "cache"

    @property
    def numba_cache(self) -> Path:
        """Where numba keeps its compiled code: ``NUMBA_CACHE_DIR`` if set, else in the cache."""
        return Path(os.environ.get("NUMBA_CACHE_DIR") or self.cache / "numba")

    @property
    def logs(self) -> Path:
        """Logs, one per process."""
        return self.root / "logs"

    @property
    def demo(self) -> Path:
        """The demo: its photos, and a home of its own."""
        return self.root / "demo"


def is_below(path: str, folder: str) -> bool:
    """Return whether ``path`` is ``folder`` or is below it; both absolute and normalised."""
    return path == folder or path.startswith(_inside(folder))


@lru_cache(maxsize=256)
def _inside(folder: str) -> str:
    """Return what the paths of all that is below a folder begin with."""
    return os.path.join(folder, "")  # noqa: PTH118 (its end is what counts)


def private_folder(path: Path) -> Path:
    """Create ``path`` and its missing parents, private to this user, and return it."""
    for folder in reversed((path, *path.parents)):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)  # parents=True gives parents another mode.
    return path


def open_private(path: Path, flags: int) -> int:
    """Open a file of photofind for writing, made private to this user if it is missing.

    Parameters
    ----------
    path
        The file. A link at its place is not followed.
    flags
        As for :func:`os.open`.

    Returns
    -------
    int
        Its descriptor, which writes bytes as they are.

    Raises
    ------
    OSError
        There is a link, or the disk refuses.
    """
    as_it_is = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return os.open(path, flags | os.O_CREAT | as_it_is, 0o600)


def new_private_file(path: Path) -> tuple[int, Path]:
    """Make a file beside ``path``, under a name that nobody can guess, to take its place.

    Returns
    -------
    tuple of int and pathlib.Path
        Its descriptor, for writing, and where it is.

    Raises
    ------
    OSError
        The disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.new")
    return open_private(temporary, os.O_WRONLY | os.O_EXCL), temporary


def sync_folder(path: Path) -> None:
    """Make a rename or a new file in ``path`` durable; does nothing on Windows."""
    if os.name == "nt":  # Windows cannot open folders, and orders metadata itself.
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Replace the content of ``path`` by ``data`` atomically, even if the process crashes.

    A folder at its place is set aside: it is none of photofind's.

    Parameters
    ----------
    path
        The file; it may exist.
    data
        The content, whole or in parts; parts are written as they come.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; the old file is unchanged.
    """
    private_folder(path.parent)
    descriptor, temporary = new_private_file(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(descriptor)
        _set_aside_folder(path)
        temporary.replace(path)
    except BaseException:
        remove_file(temporary)
        raise
    sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove ``path`` if it exists; a folder at its place is set aside."""
    _set_aside_folder(path)
    with suppress(FileNotFoundError):
        path.unlink()


def _set_aside_folder(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rename(path.with_name(f"{path.name}.{time.time_ns()}"))
