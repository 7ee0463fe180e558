"""From folders to a library: survey them, then read what is new and commit it batch by batch."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from photofind.indexing.backlog import Backlog, Describer
from photofind.indexing.reading import Departed, Outcome, Pace, Reader, contents_of_sizes
from photofind.indexing.scan import SETTLE
from photofind.indexing.survey import survey
from photofind.library.embedded.catalog import Folder, Photo
from photofind.library.embedded.library import Library
from photofind.model import Progress, Report, Skipped

if TYPE_CHECKING:
    from photofind.extractors.extraction import Extraction

__all__ = ["could_not_be_described", "describe", "index"]


def index(
    library: Library,
    extraction: Extraction,
    space: str,
    folders: Sequence[Folder] | None = None,
    *,
    excludes: Sequence[str] = (),
    accept_removals: bool = False,
    retry_failed: bool = False,
    settle: float = SETTLE,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Report:
    """Make the library hold what its folders hold, reading only what is new or changed.

    Safe to interrupt at any moment: what is committed stays, and the next run does the rest. So
    it is also the way back from anything that was missed.

    Parameters
    ----------
    library
        Open for writing.
    extraction
        Reads and describes photos.
    space
        The id of the space that its vectors belong to.
    folders
        Those to index, out of the library's; all of them where not given.
    excludes
        Exclude rules for all folders, before each folder's own.
    accept_removals
        Believe that photos are gone even where nearly all of a folder's are.
    retry_failed
        Read photos again that failed before, though they have not changed.
    settle
        Seconds for which a file must not have changed before it is read.
    progress
        Is told how far it is, several times a second at most.

    Raises
    ------
    LibraryError
        The disk refused; what was committed before stays.
    ExtractorError
        The extractor does not work at all.
    SettingsError
        An exclude rule is none.
    KeyboardInterrupt
        As it came; all batches that were read are committed.
    """
    begin = time.monotonic()

    def is_complete(photo: Photo) -> bool:
        if space in photo.refusals or (photo.failure is not None and not photo.refusals):
            return not retry_failed
        return space in photo.rows and not photo.preliminary

    progress(Progress("looking for photos", 0))
    seen = survey(
        library,
        library.folders() if folders is None else folders,
        is_complete,
        excludes=excludes,
        accept_removals=accept_removals,
        settle=settle,
        on_found=_now_and_then(lambda count: progress(Progress("looking for photos", count))),
    )
    for folder in seen.folders:
        library.put_folder(folder)
    changes = seen.changes
    library.commit([*changes.moved, *changes.renumbered])

    # A gone photo whose size an unread file has may have moved there; only the content can tell.
    # Until then it stays, and its vector with it.
    sizes = {file.size for file in changes.unread}
    library.remove(photo for photo in changes.gone if photo.size not in sizes)
    departed = Departed(space, (photo for photo in changes.gone if photo.size in sizes))
    done: Counter[str] = Counter()

    def count(outcomes: dict[str, Outcome]) -> None:
        done.update(outcome.kind for outcome in outcomes.values())
        done["failed"] += sum(outcome.failed for outcome in outcomes.values())

    reader = Reader(library, extraction, space, departed, on_commit=count)
    files, contents = changes.unread, contents_of_sizes(library, space, sizes)
    while files:
        # Those that lack a vector again cannot: nothing is shared the second time.
        pace = Pace("reading photos", len(files))
        files = reader.read(files, contents, pace, progress=progress).lacking
        contents = defaultdict(set)
    library.remove(departed)

    return Report(
        found=seen.found,
        unchanged=changes.unchanged + len(changes.renumbered),
        new=done["new"],
        changed=done["changed"] + done["refined"],
        moved=done["moved"] + len(changes.moved),
        removed=len(changes.gone) - done["moved"],
        failed=done["failed"],
        kept=seen.kept,
        offline=tuple(
            Skipped(folder.path, folder.reason or "")
            for folder in seen.folders
            if folder.state == "offline"
        ),
        skipped=tuple(seen.skipped),
        seconds=time.monotonic() - begin,
    )


def describe(
    library: Library,
    extraction: Extraction,
    extractor: str,
    space: str,
    *,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> list[str]:
    """Have another extractor describe the photos that it has not described yet.

    Returns
    -------
    list of str
        One line of how many it could not describe; they stay as others described them.

    Raises
    ------
    LibraryError
        The disk refused; what was committed before stays.
    ExtractorError
        The extractor does not work at all.
    """
    refused = 0

    def count(outcomes: dict[str, Outcome]) -> None:
        nonlocal refused
        refused += sum(outcome.kind == "refused" for outcome in outcomes.values())

    departed = Departed(space)
    reader = Reader(library, extraction, space, departed, on_commit=count)
    describer = Describer(extractor, space, reader, departed)
    backlog = Backlog(library)
    while backlog.lacks(describer):
        files = [*describer.queue.values()]
        pace = Pace(f"describing photos with {extractor}", len(files))
        reader.read(files, defaultdict(set), pace, progress=progress)
        describer.queue.clear()
    return [could_not_be_described(refused, extractor)] if refused else []


def could_not_be_described(photos: int, extractor: str) -> str:
    """Return a line for a person of how many photos an extractor could not describe."""
    count = "1 photo" if photos == 1 else f"{photos:,} photos"
    return f"{count} could not be described by {extractor}; `photofind failures` says why"


def _now_and_then(tell: Callable[[int], None], seconds: float = 0.1) -> Callable[[int], None]:
    """Return ``tell``, but for calls that come within ``seconds`` after one."""
    last = -math.inf

    def tell_now_and_then(count: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= seconds:
            last = now
            tell(count)

    return tell_now_and_then
