"""What can go wrong, in words for the person who meets it.

Every error that photofind expects is a :class:`PhotofindError`: one line that says what happened
to what, and a hint that says what to do next. Interfaces print both and no traceback.
"""

__all__ = [
    "DaemonError",
    "DaemonRunsError",
    "DamagedError",
    "DesktopError",
    "ExtractorError",
    "ImageError",
    "LibraryError",
    "LockedError",
    "NewerFormatError",
    "PhotofindError",
    "RequestError",
    "SettingsError",
    "WorkerCrashedError",
    "WorkerError",
    "WorkerMemoryError",
    "WorkerStartError",
    "WorkerStoppedError",
    "WorkerTimeoutError",
]


class PhotofindError(Exception):
    """An expected failure.

    Parameters
    ----------
    message
        One line: what happened to what.
    hint
        One line: what to do next; empty where nothing can be done.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class ImageError(PhotofindError):
    """A file that cannot be read as a photo; the message is the reason kept with the photo."""


class ExtractorError(PhotofindError):
    """An extractor that is missing, cannot be loaded, or breaks its contract."""


class SettingsError(PhotofindError):
    """A setting that does not exist or has a value it cannot take."""


class LibraryError(PhotofindError):
    """The library on disk cannot do what was asked of it."""


class LockedError(LibraryError):
    """Another photofind process is writing to the library."""


class DamagedError(LibraryError):
    """A file of the library does not hold what was written to it."""


class NewerFormatError(LibraryError):
    """A file of the library was written by a newer photofind."""


class WorkerError(PhotofindError):
    """A child process failed; ``details`` holds its traceback or last output, for the log."""

    def __init__(self, message: str, hint: str = "", details: str = "") -> None:
        super().__init__(message, hint)
        self.details = details


class WorkerCrashedError(WorkerError):
    """A child process ended by itself in the middle of a call."""


class WorkerMemoryError(WorkerCrashedError):
    """A child process took more memory than it may and was ended."""


class WorkerTimeoutError(WorkerError):
    """A child process showed no progress for too long and was ended."""


class WorkerStartError(WorkerError):
    """A child process could not be made ready, so that nothing could be asked of it."""


class WorkerStoppedError(WorkerError):
    """A child process was stopped by its owner while a call was under way or waiting."""


class DaemonError(PhotofindError):
    """The daemon cannot be reached, started or stopped."""


class DaemonRunsError(DaemonError):
    """There is a daemon for this home already."""


class RequestError(PhotofindError):
    """A request that the daemon's API refuses or does not understand."""


class DesktopError(PhotofindError):
    """The desktop cannot do what was asked of it: a menu, a tray, a browser, a notification."""
