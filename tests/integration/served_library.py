"""An object that the API can serve without a library, and the server of it in a thread."""

from __future__ import annotations

import io
import os
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fake_operations import FakeOperations
from PIL import Image
from waiting import patience, wait_until

from photofind.daemon.runtime import Runtime, write_runtime
from photofind.daemon.server import Server
from photofind.errors import ImageError, LibraryError
from photofind.model import (
    Answer,
    CellWeights,
    Check,
    Correction,
    DuplicateGroup,
    Embeddings,
    EvaluationRecord,
    Event,
    ExplainedPart,
    ExplainedPhoto,
    Explanation,
    ExtractorStatus,
    Failure,
    Feedback,
    FolderStatus,
    FoundPhoto,
    Hit,
    Judged,
    JudgedPhoto,
    KnownPhoto,
    KnownState,
    MeanPrecision,
    MetricStatus,
    NotSame,
    Overview,
    PhotoDetails,
    PhotoFiles,
    Progress,
    Proposal,
    Query,
    Region,
    Report,
    SearchAnswer,
    SearchStatus,
    Skipped,
    Status,
    Tag,
    TagCount,
    Tagging,
    TrainedExtractor,
    TrashedBefore,
    Trashing,
    Untrashing,
)
from photofind.model.references import PhotoNotFoundError
from photofind.paths import Home
from photofind.settings import Setting, list_settings, reset_setting, set_setting
from photofind.system.reach import Reach

__all__ = ["TOKEN", "FakeLibrary", "Served", "jpeg", "serving", "wait_for"]

TOKEN = "a-token-for-tests"


def jpeg(size: tuple[int, int] = (64, 48), color: str = "teal") -> bytes:
    """Return a JPEG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "JPEG")
    return file.getvalue()


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until a condition holds; fail where it does not for so long."""
    wait_until(condition, seconds=seconds, pause=0.01)


class FakeLibrary(FakeOperations):
    """Answers like the daemon's own object, with what tests put in."""

    def __init__(self, home: Home) -> None:
        super().__init__(
            failures=[Failure("/photos/bad.jpg", "the file is empty")],
            extractors=[ExtractorStatus("mobilenet", "1", 1280, "photofind 0.1", True, 2, None)],
            untrash=Untrashing(("/photos/\udcff",)),
        )
        self.home = home
        self.reach = Reach()
        self.details: dict[int, PhotoDetails] = {}
        self.added: dict[str, tuple[str, ...]] = {}
        self.subscribers: list[Callable[[Event], None]] = []
        self.hold = threading.Event()  # Answers to queries, and indexings, wait for it.
        self.hold.set()

    def put(self, path: Path, **details: Any) -> PhotoDetails:
        """Make a photo of a file known."""
        status = path.stat() if path.exists() else None
        photo = PhotoDetails(
            id=len(self.details) + 1,
            path=str(path),
            size=status.st_size if status else 0,
            modified=status.st_mtime_ns if status else 0,
            width=64,
            height=48,
            format="JPEG",
            captured="2021-05-03T14:30:00",
            camera="Canon EOS",
            latitude=48.2,
            longitude=16.4,
            keywords=("beach",),
            caption=None,
            failure=None,
            offline=False,
            preliminary=False,
            spaces=("mobilenet@1",),
            tags=(Tag("seashore", 0.8, "mobilenet@1"), Tag("lakeside", 0.1, "mobilenet@1")),
        )
        photo = replace(photo, **details)
        self.details[photo.id] = photo
        return photo

    def publish(self, event: Event) -> None:
        """Tell all who listen."""
        for subscriber in list(self.subscribers):
            subscriber(event)

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        self.subscribers.append(listener)
        return lambda: self.subscribers.remove(listener)

    def answer_folders(self) -> list[FolderStatus]:
        return [
            FolderStatus(path, 2, "online", None, 1.5, excludes, "events")
            for path, excludes in self.added.items()
        ]

    def answer_covers(self, folder: str) -> bool:
        return folder in self.added

    def answer_add_folder(self, folder: str, excludes: Sequence[str]) -> None:
        if not Path(folder).is_dir():
            raise LibraryError(f"{folder} is not a folder", "name a folder that exists")
        self.added[folder] = tuple(excludes)

    def answer_remove_folder(self, folder: str) -> int:
        if self.added.pop(folder, None) is None:
            raise LibraryError(f"{folder} is not a folder of the library")
        return 2

    def answer_index(self, progress: Callable[[Progress], None], **options: Any) -> Report:
        progress(Progress("looking for photos", 0))
        self.hold.wait(60)
        for done in range(3):
            progress(Progress("reading photos", done, 3, 0, 2.5, 1.0))
        self.asked.append(("indexed", None))
        return Report(3, 0, 3, 0, 0, 0, 0, 0, (), (), 0.1, ("a note",))

    def answer_similar(self, query: Query) -> Answer:
        like = tuple(self.answer_photo(p).path if isinstance(p, int) else p for p in query.like)
        query = replace(query, like=like)
        self.hold.wait(60)
        for path in like:
            if not Path(path).is_file():
                raise ImageError(f"{path} cannot be used as a query: there is no such file", "hint")
        hits = tuple(
            Hit(
                rank,
                photo.path,
                1 / rank,
                photo.captured,
                64,
                48,
                False,
                ("/a/copy.jpg",),
                photo.id,
            )
            for rank, photo in enumerate(self.details.values(), 1)
        )
        return Answer(query, hits[: query.limit], "exact", "mobilenet", len(self.details), 0.001)

    def answer_explain(
        self,
        query: int | str,
        hit: int | str,
        extractor: str | None,
        words: str | None,
        words_weight: float | None,
    ) -> Explanation:
        if isinstance(query, str) and not Path(query).is_file():
            raise ImageError(f"{query} cannot be used as a query: there is no such file", "hint")
        cells = CellWeights(1, 2, (0.5, 0.25), (0,), 0.5, (Region((0, 0, 0.5, 1), 0.5, "left"),))
        part = ExplainedPart(
            "mobilenet", "mobilenet@1", 0.75, 0.75, 1.0, 0.9, "mobilenet", True, cells, cells,
            ((0.5, 0.25), (0.25, 0.5)), f"so says {query}",
        )  # fmt: skip
        asked = ExplainedPhoto(str(query), query if isinstance(query, int) else None)
        found = self.answer_photo(hit)
        return Explanation(
            asked, ExplainedPhoto(found.path, found.id), "So.", 0.9, 0.75, (part,),
            notes=(f"about {query}",),
        )  # fmt: skip

    def answer_judge(
        self,
        query: Query,
        likes: Sequence[int],
        dislikes: Sequence[int],
        forget: Sequence[int],
    ) -> Answer:
        judged = tuple(
            JudgedPhoto(one, f"/photos/{one}.jpg", one in likes) for one in (*likes, *dislikes)
        )
        answer = self.answer_similar(query)
        return replace(answer, feedback=Feedback(judged, answer.hits[:1], True, "0" * 32))

    def answer_judgements(self) -> list[Judged]:
        key = f"{'0' * 32}:{'1' * 32}"
        return [Judged(key, ("/photos/\udcff",), "", (), ("/a/b.jpg",), True, 1.5, (1,), (2,))]

    def answer_forget_judgements(self, judgements: Sequence[str]) -> int:
        return len(judgements)

    def answer_metric(self) -> MetricStatus:
        return MetricStatus("on", "mobilenet@1", "it is better", 40, 5, 0.8, 0.9)

    answer_learn_metric = answer_forget_metric = answer_metric

    def answer_duplicates(self, keep: str | None, **which: Any) -> list[DuplicateGroup]:
        paths = tuple(photo.path for photo in self.details.values())
        proposal = Proposal((1,), (2,), "most pixels") if keep else None
        return [DuplicateGroup(paths, "same picture", 0.97, proposal=proposal)]

    def answer_tell_apart(self, photo: int, others: Sequence[int]) -> list[NotSame]:
        return [NotSame(f"{photo:032}:{other:032}", ("/a/\udcff",), ()) for other in others]

    def answer_not_same(self) -> list[NotSame]:
        return self.answer_tell_apart(1, (2, 3))

    def answer_forget_apart(self, pairs: Sequence[str]) -> int:
        return len(pairs)

    def answer_trashed(self) -> list[TrashedBefore]:
        return [TrashedBefore("0" * 32, 1.5, ("/photos/\udcff",))]

    def answer_status(self) -> Status:
        search = SearchStatus("exact", 2, 0, None, "exact, by comparing with all 2 photos")
        problems = tuple(self.problems)
        folders = tuple(self.answer_folders())
        return Status(2, 1, 0, folders, "mobilenet", search, str(self.home.root), 1234, problems)

    def answer_photo(self, photo: int | str) -> PhotoDetails:
        for known in self.details.values():
            if photo in (known.id, known.path):
                return known
        raise PhotoNotFoundError(f"there is no photo {photo!r}", "hint")

    def answer_photos(
        self, path: str | None, offset: int, limit: int, **filters: Any
    ) -> list[PhotoDetails]:
        if path is not None:
            return [self.answer_photo(path)]
        return list(self.details.values())[offset : offset + limit]

    def answer_embeddings(self, **asked: Any) -> Embeddings:
        data = b64encode(bytes.fromhex("9a99193fcdcc4c3f")).decode()  # 0.6 and 0.8.
        return Embeddings("mobilenet", "1", 2, (1,), ("/photos/1.jpg",), data)

    def answer_known(self, photos: Sequence[str], folder: str | None) -> list[KnownPhoto]:
        state: KnownState = "identical" if folder is None else "new"
        return [KnownPhoto(photo, state, (photo,), (1,), ("rescaled",)) for photo in photos]

    def answer_photo_files(self, folder: str) -> PhotoFiles:
        return PhotoFiles((f"{folder}/\udcff.jpg",), (Skipped(f"{folder}/a", "is missing"),))

    def answer_count(self, **filters: Any) -> int:
        return len(self.details)

    def answer_search(self, words: str, limit: int, **asked: Any) -> SearchAnswer:
        hit = FoundPhoto(1, "/photos/\udcff.jpg", ("tag bus", "date 2019"), None, 4, 3, False, 1)
        return SearchAnswer(words, (hit,)[:limit], 1, 2, (Correction("buss", ("bus",)),))

    def answer_evaluations(self) -> list[EvaluationRecord]:
        record = EvaluationRecord(
            "20240131T120000-0a1b2c3d", "2024-01-31T12:00:00+00:00", "/labelled", 60, 4,
            ("mobilenet",), True, "0" * 64,
        )  # fmt: skip
        return [record]

    def answer_evaluate(self, source: str, **wanted: Any) -> EvaluationRecord:
        return replace(self.answer_evaluations()[0], source=source)

    def answer_train(self, name: str, **wanted: Any) -> TrainedExtractor:
        found = MeanPrecision(0.5, 0.4, 0.6)
        return TrainedExtractor(
            name, "mobilenet@1", wanted["method"], wanted["dimensions"], wanted["kind"], 60, False,
            found, None, found, ("it is no better",), (), 1.5,
        )  # fmt: skip

    def answer_evaluation_report(self, evaluation: str) -> bytes:
        if evaluation != self.answer_evaluations()[0].id:
            raise LibraryError("there is no such report")
        return b"<!DOCTYPE html><style>p { color: teal }</style><p>A report"

    def answer_tags(self, limit: int | None) -> list[TagCount]:
        both = TagCount("seashore", 2, ("mobilenet",), False), TagCount("beach", 1, (), True)
        return list(both[:limit])

    def answer_tag_notes(self, tags: Sequence[str]) -> list[str]:
        return [f"no photo has the tag {tag!r}; nearest to it is 'dog'" for tag in tags]

    def answer_tagged(self, tags: Sequence[str], limit: int) -> list[PhotoDetails]:
        return list(self.details.values())[:limit]

    def answer_thumbnail(self, photo: int, size: int) -> bytes:
        self.answer_photo(photo)
        return jpeg((size, size // 2))

    def answer_thumbnail_of(self, path: str, size: int) -> bytes:
        try:
            with Image.open(path) as picture:
                picture.thumbnail((size, size))
                file = io.BytesIO()
                picture.convert("RGB").save(file, "JPEG")
        except OSError as error:
            raise ImageError(f"{path} is no picture") from error
        return file.getvalue()

    def answer_place(self, photo: int | str) -> str:
        self.answer_photo(photo)
        return "Z\u00fcrich"

    def answer_judge_tags(
        self,
        photos: Sequence[int],
        add: Sequence[str],
        remove: Sequence[str],
        forget: Sequence[str],
        write_sidecar: bool,
    ) -> Tagging:
        sidecars = ("/photos/\udcff.jpg.xmp",) if write_sidecar else ()
        failures = (Failure("/photos/\udcff.jpg", f"{[*add, *remove, *forget]}"),)
        return Tagging(tuple(self.answer_photo(photo) for photo in photos[:1]), sidecars, failures)

    def answer_overview(self, folder: str | None) -> Overview:
        return Overview(len(self.details), (("/photos/\udcff", 2),), (("2021-05", 2),))

    def answer_open(self, photo: int) -> None:
        self.answer_photo(photo)

    answer_reveal = answer_open

    def answer_trash(self, photos: Sequence[int], kept: Sequence[int]) -> Trashing:
        return Trashing(tuple(photos), (Failure("/photos/\udcff", "it is not there"),), "0" * 32)

    def answer_list_settings(self) -> list[Setting]:
        return list_settings(self.home.settings)

    def answer_set_setting(self, name: str, value: str) -> Any:
        return set_setting(self.home.settings, name, value)

    def answer_reset_setting(self, name: str) -> Any:
        return reset_setting(self.home.settings, name)

    def answer_doctor(self, repair: bool) -> list[Check]:
        return [Check("catalog", "repaired" if repair else "broken", "it is torn", "repair it")]


@dataclass(frozen=True)
class Served:
    """A fake that is served, and where."""

    library: FakeLibrary
    server: Server
    home: Home
    thread: threading.Thread

    @property
    def port(self) -> int:
        return self.server.port


@contextmanager
def serving(home: Home, library: FakeLibrary | None = None, token: str = TOKEN) -> Iterator[Served]:
    """Serve a fake while the block lasts, with a runtime file for clients to find."""
    library = library or FakeLibrary(home)
    server = Server(library, token, home)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    write_runtime(home, Runtime(os.getpid(), 0.0, server.port, token, "0", time.time()))
    try:
        yield Served(library, server, home, thread)
    finally:
        server.stop()
        thread.join(patience(60))
    assert not thread.is_alive(), "the server did not stop"
