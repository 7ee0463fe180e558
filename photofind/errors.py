"""Errors, worded for the user.

Every expected error is a :class:`PhotofindError`: one line that says what happened to what, and a
hint that says what to do next. Interfaces print both and no traceback.
"""

__all__ = [
    "DaemonError",
    "DaemonRunsError",
    "DamagedError",
    "DamagedImageError",
    "DesktopError",
    "ExtractorError",
    "FileNotAnsweringError",
    "FleetError",
    "FleetLostError",
    "ImageError",
    "LearningError",
    "LibraryError",
    "LockedError",
    "NewerFormatError",
    "NotAnsweringError",
    "OtherBuildError",
    "PassingImageError",
    "PhotofindError",
    "RequestError",
    "SettingsError",
    "WorkerCrashedError",
    "WorkerError",
    "WorkerKilledError",
    "WorkerMemoryError",
    "WorkerOverdueError",
    "WorkerResourceError",
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
        One line: what to do next; empty if nothing can be done.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class ImageError(PhotofindError):
    """A file cannot be read as a photo; the message is stored as the reason with the photo."""


class DamagedImageError(ImageError):
    """A decoder cannot read the bytes of a file; with more tolerance it may read a part of them."""


class PassingImageError(ImageError):
    """A photo cannot be read at the moment, for a reason that is not in its bytes."""


class VeryLargeError(ImageError):
    """A picture is so large that it waits for its turn to be decoded."""


class ExtractorError(PhotofindError):
    """An extractor is missing, cannot be loaded, or breaks its contract.

    Parameters
    ----------
    message, hint
        As for all.
    details
        The traceback of the plugin's own error, where there is one.
    """

    def __init__(self, message: str, hint: str = "", details: str = "") -> None:
        super().__init__(message, hint)
        self.details = details


class OtherBuildError(ExtractorError):
    """An extractor is not what it was when it was loaded."""


class SettingsError(PhotofindError):
    """A setting does not exist or has an invalid value."""


class LearningError(PhotofindError):
    """Photos or their labels are not such that anything can be measured or learned."""


class LibraryError(PhotofindError):
    """An operation on the library on disk failed."""


class LockedError(LibraryError):
    """Another photofind process is writing to the library."""


class DamagedError(LibraryError):
    """A file of the library is damaged."""


class NewerFormatError(LibraryError):
    """A file of the library was written by a newer photofind."""


class NotAnsweringError(LibraryError):
    """A folder does not answer: its drive or its network is silent.

    Parameters
    ----------
    message, hint
        As for all.
    folder
        Its path.
    """

    def __init__(self, message: str, hint: str = "", folder: str = "") -> None:
        super().__init__(message, hint)
        self.folder = folder


class FileNotAnsweringError(NotAnsweringError):
    """A single file does not answer, in a folder that does.

    Parameters
    ----------
    message, hint, folder
        As for a folder.
    path
        The path of the file.
    """

    def __init__(self, message: str, hint: str = "", folder: str = "", path: str = "") -> None:
        super().__init__(message, hint, folder)
        self.path = path


class WorkerError(PhotofindError):
    """A child process failed; ``details`` holds its traceback or last output, for the log."""

    def __init__(self, message: str, hint: str = "", details: str = "") -> None:
        super().__init__(message, hint)
        self.details = details


class WorkerCrashedError(WorkerError):
    """A child process ended unexpectedly during a call."""


class WorkerKilledError(WorkerCrashedError):
    """A child process was killed from outside: by the system, as memory ran out, or by a user."""


class WorkerMemoryError(WorkerCrashedError):
    """A child process exceeded its memory limit and was ended."""


class WorkerResourceError(WorkerError):
    """A child process had not enough memory, threads or descriptors for a call."""


class WorkerTimeoutError(WorkerError):
    """A child process showed no progress for too long and was ended."""


class WorkerOverdueError(WorkerTimeoutError):
    """What a child process worked on took more processor time than it may; the process ended."""


class WorkerStartError(WorkerError):
    """A child process could not be started."""


class WorkerStoppedError(WorkerError):
    """A child process was stopped by its owner while a call was running or waiting."""


class FleetError(PhotofindError):
    """A fleet of workers on other machines cannot be used."""


class FleetLostError(FleetError):
    """A fleet that read photos cannot be reached any more, or none of its workers can read."""


class DaemonError(PhotofindError):
    """The daemon cannot be reached, started or stopped."""


class DaemonRunsError(DaemonError):
    """A daemon for this home is running already."""


class RequestError(PhotofindError):
    """The daemon's API refuses or does not understand a request."""


class DesktopError(PhotofindError):
    """A menu, tray, browser or notification of the desktop is not available or failed."""
