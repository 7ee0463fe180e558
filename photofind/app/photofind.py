"""`PhotoFind`: the operations, carried out in this process.

What the operations do, take and raise is documented where they are declared, in
`photofind.operations`.
"""

# ruff: noqa: D102

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from photofind.app.resources import Resources
from photofind.errors import ImageError, LibraryError
from photofind.model import (
    Answer,
    Check,
    DuplicateGroup,
    Embeddings,
    EvaluationRecord,
    Event,
    Explanation,
    ExtractorStatus,
    Failure,
    FolderStatus,
    Judged,
    KnownPhoto,
    LabelSource,
    MetricStatus,
    Mining,
    NotSame,
    Overview,
    PhotoDetails,
    PhotoFiles,
    Progress,
    Query,
    Report,
    SearchAnswer,
    Setting,
    SettingValue,
    Spread,
    Status,
    TagCount,
    Tagging,
    TrainedExtractor,
    TrainingMethod,
    TrashedBefore,
    Trashing,
    Untrashing,
)
from photofind.operations import Operations
from photofind.paths import Home, is_below
from photofind.settings import (
    PAGE_SETTINGS,
    Settings,
    list_settings,
    reset_setting,
    set_setting,
)
from photofind.system.garbage import look_as_usual
from photofind.system.home_guard import check_home

if TYPE_CHECKING:
    from photofind.library.store import Store
    from photofind.model.records import Photo
    from photofind.words.searching import FindShown

__all__ = ["PhotoFind"]


class PhotoFind(Operations):
    """The operations, carried out in this process on the library of one home.

    Opens what it needs when it is needed. Answering takes no lock; a change of the library holds
    its lock for as long as the change takes.

    Parameters
    ----------
    home
        Where the library is; this user's own if not given.
    resident
        Whether this object will answer many queries, so that loading a graph in the background is
        worth it.
    silent_daemon
        What is wrong with a daemon that runs and does not answer, in whose place this process does.

    Raises
    ------
    LibraryError
        Others can change the home.

    Notes
    -----
    Threads may share a resident one.
    """

    def __init__(
        self,
        home: Home | None = None,
        *,
        resident: bool = False,
        silent_daemon: str | None = None,
    ) -> None:
        self.home = home or Home.default()
        self._silent_daemon = silent_daemon
        check_home(self.home)
        look_as_usual()  # A command or the daemon, which does more than ask.
        self._resources = Resources(self.home, resident=resident)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._resources.close()

    @property
    def settings(self) -> Settings:
        return self._resources.settings

    @property
    def problems(self) -> list[str]:
        from photofind.app.library_folders import unusable_rules

        library = self._resources.library
        return [
            *(fault.message for fault in self._resources.settings_file.faults),
            *unusable_rules(library.folders()),
            *library.problems,
            *([self._silent_daemon] if self._silent_daemon else []),
        ]

    # Folders.

    def folders(self) -> list[FolderStatus]:
        from photofind.app.library_folders import folder_statuses

        library = self._resources.library
        library.refresh()
        return folder_statuses(library)

    def covers(self, folder: str) -> bool:
        library = self._resources.library
        library.refresh()
        return any(is_below(folder, known.path) for known in library.folders())

    def add_folder(self, folder: str, *, excludes: Sequence[str] = ()) -> None:
        from photofind.app.library_folders import add_folder, check_folder

        reach = self._resources.reach
        check_folder(self.home, folder, excludes, reach)  # Before a library is made.
        with self._resources.writing() as library:
            add_folder(library, folder, excludes)

    def remove_folder(self, folder: str) -> int:
        from photofind.app.library_folders import remove_folder

        with self._resources.writing() as library:
            return remove_folder(library, folder)

    # The library and its photos.

    def index(
        self,
        folders: Sequence[str] | None = None,
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
        wait: bool = False,
        fleet: str | None = None,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Report:
        from photofind.app.indexing import index_folders

        return index_folders(
            self._resources,
            folders,
            accept_removals=accept_removals,
            retry_failed=retry_failed,
            wait=wait,
            fleet=fleet,
            progress=progress,
        )

    def similar(self, query: Query) -> Answer:
        query = self._completed(query)
        ranking = None
        if self._resources.may_rerank:
            from photofind.app.feedback import reranker

            ranking = reranker(self._resources, query)
        answer = self._resources.searcher.similar(query, ranking)
        if query.tags and not answer.hits:
            from photofind.search.tags import check_tags

            check_tags(self._resources.library, query.tags)
        return answer

    def search(
        self,
        words: str,
        *,
        folder: str | None = None,
        since: str | None = None,
        until: str | None = None,
        tags: Sequence[str] = (),
        any_word: bool = False,
        as_typed: bool = False,
        offset: int = 0,
        limit: int = 100,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> SearchAnswer:
        from photofind.words.searching import Limits, search

        library, index = self._resources.library, self._resources.text_index
        library.refresh()
        self._update_words(progress)
        limits = Limits(limit, offset, folder, since, until, tuple(tags), any_word, as_typed)
        return search(index, library, words, limits, find_shown=self._find_shown())

    def _find_shown(self) -> FindShown | None:
        """Return what finds photos by what they show; None where no extractor embeds texts."""
        if not self._resources.extractor_memory.texts():
            return None
        shown = self._resources.searcher.shown
        return shown.find if shown.spaces() else None

    def _update_words(self, progress: Callable[[Progress], None]) -> None:
        """Bring the text index up to date before it answers."""
        library = self._resources.library
        if self.home.words.exists() or library.counts().photos:
            self._resources.text_index.update(library, progress)

    def explain(
        self,
        query: int | str,
        hit: int | str,
        *,
        extractor: str | None = None,
        words: str | None = None,
        words_weight: float | None = None,
    ) -> Explanation:
        from photofind.app.explanations import explain

        return explain(self._resources, query, hit, extractor, words, words_weight)

    def _completed(self, query: Query) -> Query:
        """Return a query with what it leaves to the settings, its photos by their paths."""
        from photofind.app.references import with_paths

        library, settings = self._resources.library, self.settings
        library.refresh()
        limit = settings.hits if query.limit is None else query.limit
        min_score = settings.min_score if query.min_score is None else query.min_score
        return replace(with_paths(library, query), limit=limit, min_score=min_score)

    # Relevance feedback.

    def judge(
        self,
        query: Query,
        *,
        likes: Sequence[int] = (),
        dislikes: Sequence[int] = (),
        forget: Sequence[int] = (),
    ) -> Answer:
        from photofind.app.feedback import judge

        return judge(self._resources, self._completed(query), likes, dislikes, forget)

    def judgements(self) -> list[Judged]:
        from photofind.learning.feedback.judging import listed

        library = self._resources.library
        library.refresh()
        return listed(library)

    def forget_judgements(self, judgements: Sequence[str]) -> int:
        from photofind.learning.feedback.judging import named

        with self._resources.writing() as library:
            gone = named(library, judgements)
            library.forget_judgements(gone)
        return len(gone)

    def metric(self) -> MetricStatus:
        from photofind.app.feedback import metric_status

        return metric_status(self._resources)

    def learn_metric(self) -> MetricStatus:
        from photofind.app.feedback import learn_metric

        return learn_metric(self._resources)

    def forget_metric(self) -> MetricStatus:
        from photofind.app.feedback import forget_metric

        return forget_metric(self._resources)

    # Duplicates.

    def duplicates(
        self,
        *,
        folder: str | None = None,
        spread: Spread = "any",
        keep: str | None = None,
    ) -> list[DuplicateGroup]:
        from photofind.app.duplicates import shown_groups

        groups = self._resources.searcher.duplicates()
        return shown_groups(
            self._resources.library,
            self._resources.reach,
            groups,
            folder=folder,
            spread=spread,
            keep=keep,
        )

    def not_same(self) -> list[NotSame]:
        from photofind.app.duplicates import listed

        library = self._resources.library
        library.refresh()
        return listed(library, library.told_apart())

    def tell_apart(self, photo: int, others: Sequence[int]) -> list[NotSame]:
        from photofind.app.duplicates import listed, tell_apart

        with self._resources.writing() as library:
            return listed(library, tell_apart(library, photo, others))

    def forget_apart(self, pairs: Sequence[str]) -> int:
        from photofind.app.duplicates import forget_apart

        with self._resources.writing() as library:
            return forget_apart(library, pairs)

    def known(self, photos: Sequence[str], *, folder: str | None = None) -> list[KnownPhoto]:
        from photofind.app.known_photos import known_photos

        return known_photos(self._resources, photos, folder)

    def photo_files(self, folder: str) -> PhotoFiles:
        from photofind.app.known_photos import photo_files

        return photo_files(self._resources, folder)

    def failures(self) -> list[Failure]:
        from photofind.app.photos import failures

        library = self._resources.library
        library.refresh()
        return failures(library)

    def extractors(self) -> list[ExtractorStatus]:
        from photofind.app.extractors import extractor_statuses

        return extractor_statuses(self._resources)

    def status(self) -> Status:
        from photofind.app.extractors import missing_extractors
        from photofind.app.status import library_status

        self._resources.library.refresh()  # Another process may have solved some.
        problems = [*self.problems, *missing_extractors(self._resources)]
        status = library_status(self._resources, self.folders(), problems)
        return replace(status, daemon_is_silent=self._silent_daemon is not None)

    def doctor(self, *, repair: bool = False) -> list[Check]:
        from photofind.app.doctor import examine
        from photofind.extractors.registry import extractors_in_use

        resources = self._resources

        def describe() -> object:
            return resources.extraction(extractors_in_use(self.settings)[0]).info()

        def open_library() -> AbstractContextManager[Store]:
            return resources.writing() if repair else nullcontext(resources.library)

        checks = list(examine(self.home, open_library, describe, resources.reach, repair=repair))
        if any(check.name == "settings" and check.state == "repaired" for check in checks):
            self._forget_settings()
        return checks

    def photo(self, photo: int | str) -> PhotoDetails:
        return self._details([self._known(photo)])[0]

    def place(self, photo: int | str) -> str:
        known = self._known(photo)
        if known.latitude is None or known.longitude is None:
            return ""
        (place,) = self._resources.places.find([(known.latitude, known.longitude)])
        return str(place or "")

    def photos(
        self,
        *,
        folder: str | None = None,
        since: str | None = None,
        until: str | None = None,
        tags: Sequence[str] = (),
        offset: int = 0,
        limit: int = 100,
        path: str | None = None,
    ) -> list[PhotoDetails]:
        from photofind.model.filters import Filter
        from photofind.search.browsing import page

        if path is not None:
            return [self.photo(path)]
        library = self._resources.library
        library.refresh()
        where = Filter(folder, since, until, tuple(tags))
        return self._details(page(library, where, offset, limit))

    def embeddings(
        self,
        *,
        photos: Sequence[int] | None = None,
        folder: str | None = None,
        since: str | None = None,
        until: str | None = None,
        tags: Sequence[str] = (),
        extractor: str | None = None,
        offset: int = 0,
        limit: int = 1000,
    ) -> Embeddings:
        from photofind.app.embeddings import stored_embeddings
        from photofind.model.filters import Filter

        library = self._resources.library
        library.refresh()
        space = self._resources.searcher.answering(extractor).first
        where = Filter(folder, since, until, tuple(tags))
        return stored_embeddings(library, space, photos, where, offset, limit)

    def count(
        self,
        *,
        folder: str | None = None,
        since: str | None = None,
        until: str | None = None,
        tags: Sequence[str] = (),
    ) -> int:
        from photofind.model.filters import Filter
        from photofind.search.browsing import count

        library = self._resources.library
        library.refresh()
        return count(library, Filter(folder, since, until, tuple(tags)))

    def evaluate(
        self,
        source: str,
        *,
        extractors: Sequence[str] = (),
        split: float = 0.2,
        scenes: bool = False,
        seed: int = 0,
        engines: bool = True,
    ) -> EvaluationRecord:
        from photofind.app.learning_worker import evaluate

        with self._telling_learning() as progress:
            return evaluate(
                self._resources.learning,
                source,
                progress,
                extractors=[*extractors],
                split=split,
                scenes=scenes,
                seed=seed,
                engines=engines,
            )

    def train(
        self,
        name: str,
        *,
        source: str | None = None,
        kind: LabelSource = "labels",
        method: TrainingMethod = "proxy",
        dimensions: int = 128,
        mining: Mining = "semi-hard",
        fine_tune_layers: int = 0,
        extractor: str | None = None,
        epochs: int | None = None,
        split: float = 0.2,
        seed: int = 0,
        replace: bool = False,
    ) -> TrainedExtractor:
        from photofind.app.learning_worker import train

        with self._telling_learning() as progress:
            return train(
                self._resources.learning,
                name,
                progress,
                source=source,
                kind=kind,
                method=method,
                dimensions=dimensions,
                mining=mining,
                fine_tune_layers=fine_tune_layers,
                extractor=extractor,
                epochs=epochs,
                split=split,
                seed=seed,
                replace=replace,
            )

    @contextmanager
    def _telling_learning(self) -> Iterator[Callable[[Progress], None]]:
        """Give what takes note of how far an evaluation or a training is, until the block ends."""
        try:
            yield self._learns
        finally:
            self._learns(None)

    def _learns(self, progress: Progress | None) -> None:
        """Take note of how far an evaluation or a training is, and that it ended: None."""

    def evaluations(self) -> list[EvaluationRecord]:
        from photofind.app.reports import kept_reports

        return kept_reports(self.home)

    def evaluation_report(self, evaluation: str) -> bytes:
        from photofind.app.reports import read_report

        return read_report(self.home, evaluation)

    def tags(self, *, limit: int | None = None) -> list[TagCount]:
        self._resources.library.refresh()
        return self._resources.library.tags()[:limit]

    def tagged(self, tags: Sequence[str], *, limit: int = 100) -> list[PhotoDetails]:
        from photofind.search.tags import tagged

        library = self._resources.library
        library.refresh()
        return self._details(tagged(library, tags, limit))

    def tag_notes(self, tags: Sequence[str]) -> list[str]:
        from photofind.search.tags import nearest_tags

        library = self._resources.library
        library.refresh()
        return [*nearest_tags(library, tags)[1]]

    def judge_tags(
        self,
        photos: Sequence[int],
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        forget: Sequence[str] = (),
        write_sidecar: bool = False,
    ) -> Tagging:
        from photofind.app.tags import judge_tags

        tagging = judge_tags(
            self._resources, photos, add, remove, forget, write_sidecar=write_sidecar
        )
        self._resources.library.refresh()
        return tagging

    def thumbnail(self, photo: int, size: int = 256) -> bytes:
        known = self._known(photo)
        thumbnails = self._resources.thumbnails
        stamp = (known.size, known.modified)
        if known.away is not None:
            return thumbnails.kept(known.path, size, stamp)
        return thumbnails.get(known.path, size, stamp)

    def thumbnail_of(self, path: str, size: int = 256) -> bytes:
        try:
            status: os.stat_result = self._resources.reach.call(path, os.stat, path)
        except OSError as error:
            raise ImageError(f"{path} cannot be read: {error.strerror}") from None
        return self._resources.thumbnails.get(path, size, (status.st_size, status.st_mtime_ns))

    def overview(self, folder: str | None = None) -> Overview:
        from photofind.search.browsing import overview

        library = self._resources.library
        library.refresh()
        return overview(library, folder)

    # The files of photos.

    def open(self, photo: int | str) -> None:
        from photofind.system.reveal import open_file

        path = self._file(photo)
        self._resources.reach.act(path, open_file, path)

    def reveal(self, photo: int | str) -> None:
        from photofind.system.reveal import show_in_folder

        path = self._file(photo)
        self._resources.reach.act(path, show_in_folder, path)

    def trash(self, photos: Sequence[int], *, kept: Sequence[int] = ()) -> Trashing:
        from photofind.app.trash import trash_photos

        self._resources.library.refresh()
        resources = self._resources
        trashing, moved = trash_photos(
            resources.library, resources.trash, resources.reach, photos, kept
        )
        self._files_moved(gone=[file.path for file in moved])
        return trashing

    def untrash(self, undo: str | None = None) -> Untrashing:
        from photofind.app.trash import untrash_photos

        untrashing = untrash_photos(self._resources.trash, self._resources.reach, undo)
        self._files_moved(here=untrashing.restored)
        return untrashing

    def trashed(self) -> list[TrashedBefore]:
        return [
            TrashedBefore(one.token, one.when, tuple(file.path for file in one.files))
            for one in self._resources.trash.all()
        ]

    def _files_moved(self, *, gone: Sequence[str] = (), here: Sequence[str] = ()) -> None:
        """Take note of files that this object moved; here the next indexing finds them."""

    # The settings.

    def list_settings(self) -> list[Setting]:
        return list_settings(self.home.settings)

    def set_setting(self, name: str, value: str) -> SettingValue:
        from photofind.app.settings import check_setting
        from photofind.library.stores import store_exists

        check_setting(self.home, self.settings, name, value)
        if name == "extractor" and store_exists(self.home):
            from photofind.app.extractors import note_answering

            note_answering(self._resources)
        written: SettingValue = set_setting(self.home.settings, name, value)
        self._setting_changed(name)
        return written

    def reset_setting(self, name: str) -> SettingValue:
        default: SettingValue = reset_setting(self.home.settings, name)
        self._setting_changed(name)
        return default

    def _setting_changed(self, name: str) -> None:
        if name in PAGE_SETTINGS:
            self._resources.read_settings_again()
        else:
            self._forget_settings()

    def _forget_settings(self) -> None:
        """Have the settings read again."""
        self._resources.forget_settings()

    # What only the daemon can do.

    def pause(self, seconds: float | None = None) -> None:
        raise LibraryError("there is no daemon to pause", "`photofind daemon start` starts it")

    def resume(self) -> None:
        raise LibraryError("there is no daemon to resume", "`photofind daemon start` starts it")

    def events(self) -> Iterator[Event]:
        raise LibraryError("there is no daemon to listen to", "`photofind daemon start` starts it")

    def _known(self, photo: int | str) -> Photo:
        from photofind.app.references import find_photo

        self._resources.library.refresh()
        return find_photo(self._resources.library, photo)

    def _file(self, photo: int | str) -> str:
        from photofind.app.references import find_file

        self._resources.library.refresh()
        return find_file(self._resources.library, photo)

    def _details(self, photos: Sequence[Photo]) -> list[PhotoDetails]:
        from photofind.app.photos import details

        folders = self._resources.library.folders()
        return [details(folders, photo) for photo in photos]
