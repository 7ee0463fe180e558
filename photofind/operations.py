"""What photofind can be asked: each operation is declared here, once.

A declaration is a method's signature and docstring, with the HTTP verb and path that it is asked by
and the lane of the daemon that serves it. From the declarations are derived the methods of the
daemon's client, the routes of its API with their validation and their description, the table in
docs/reference/api.md, and the double that tests use.

`photofind.app.photofind.PhotoFind` carries the operations out. It has this protocol as its base, so
that mypy checks it against the declarations: therefore this module lies below ``app``. What a
declaration says is in `photofind.declaration`. Importing both is cheap: commands wait for it.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Protocol, Self

from photofind.declaration import LEARNING, PICTURES, SEARCHES, declared_operations, operation
from photofind.model.parameters import (
    AbsolutePath,
    Between,
    ContentPair,
    Count,
    Date,
    EvaluationId,
    JudgementKey,
    Keep,
    Length,
    Limit,
    Matching,
    PositiveCount,
    Seconds,
    Seed,
    TagName,
    TagNames,
    Text,
    ThumbnailSize,
    Unit,
    Words,
)
from photofind.model.references import OutsidePhoto, PhotoId, PhotoReference, QueryPhoto

if TYPE_CHECKING:
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
    from photofind.settings import Settings

__all__ = ["OPERATIONS", "Operations"]

_COLD = 120.0
"""Seconds that a worker may take that has to be started first."""
_LONG = 3600.0
"""Seconds that work on the whole library may take."""
_DAY = 86400.0
"""Seconds that training through a network may take."""


class Operations(Protocol):
    """Everything that photofind can be asked, in this process or through the daemon.

    Photos are referred to by their ids or by their absolute paths.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def close(self) -> None:
        """Close what is open; the daemon goes on."""

    @property
    def settings(self) -> Settings:
        """The settings, as they were when first asked for."""
        ...

    @property
    def problems(self) -> list[str]:
        """What was found damaged so far and is not repaired, one line each."""
        ...

    # Folders.

    @operation("GET", "/api/folders")
    def folders(self) -> list[FolderStatus]:
        """Return the folders of the library."""
        ...

    @operation("GET", "/api/folders/covers", key="covers", names={"folder": "path"})
    def covers(self, folder: AbsolutePath) -> bool:
        """Return whether a folder is one of the library's or lies in one."""
        ...

    @operation("POST", "/api/folders", names={"folder": "path"})
    def add_folder(
        self, folder: AbsolutePath, *, excludes: Annotated[Sequence[Text], Length(0, 1000)] = ()
    ) -> None:
        """Add a folder, or change what is excluded in one that is there.

        Parameters
        ----------
        folder
            Its path.
        excludes
            What to leave out, in gitignore's syntax.

        Raises
        ------
        LibraryError
            There is no such folder, or it is photofind's own.
        SettingsError
            An exclude is no valid rule.
        """

    @operation(
        "POST", "/api/folders/remove", key="removed", seconds=_LONG, names={"folder": "path"}
    )
    def remove_folder(self, folder: AbsolutePath) -> int:
        """Remove a folder and its photos from the library; return how many photos.

        Photos that also lie in another folder of the library stay.

        Raises
        ------
        LibraryError
            The folder is not in the library.
        """
        ...

    @operation("POST", "/api/index", by_hand=True)
    def index(
        self,
        folders: Annotated[Sequence[AbsolutePath], Length(0, 1000)] | None = None,
        *,
        accept_removals: bool = False,
        retry_failed: bool = False,
        wait: bool = False,
        fleet: Text | None = None,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Report:
        """Bring the library up to date with its folders; only new and changed photos are read.

        Parameters
        ----------
        folders
            Folders of the library, or folders in them; all if not given.
        accept_removals
            Believe that photos are gone, even all photos of a folder at once.
        retry_failed
            Read photos again that could not be read before, even if they have not changed.
        wait
            Return only when all extractors in use have embedded the photos, and the graph is built
            if one is wanted; otherwise as soon as the photos can be found.
        fleet
            The address of workers on other machines that read and embed photos meanwhile, as
            ``tls://HOST:PORT``.
        progress
            Called with the progress, about ten times a second.

        Raises
        ------
        LibraryError
            There is no folder, another photofind is indexing, or the disk refuses.
        ExtractorError
            The extractor does not work.
        FleetError
            The fleet cannot be reached, or one of its workers has other versions.
        """
        ...

    # Searching.

    @operation("POST", "/api/similar", lane=SEARCHES, seconds=_COLD)
    def similar(self, query: Query) -> Answer:
        """Find the photos most like a query.

        Raises
        ------
        ImageError
            A photo of the query cannot be read.
        LibraryError
            A photo that the query names by id is not in the library, nothing is indexed yet, or no
            photo has one of the tags.
        """
        ...

    @operation("GET", "/api/search", seconds=_LONG, names={"tags": "tag"})
    def search(
        self,
        words: Text,
        *,
        folder: AbsolutePath | None = None,
        since: Date | None = None,
        until: Date | None = None,
        tags: TagNames = (),
        any_word: bool = False,
        as_typed: bool = False,
        offset: Count = 0,
        limit: Limit = 100,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> SearchAnswer:
        """Find photos by words: in names, captions, keywords, tags, dates, places and cameras.

        Parameters
        ----------
        words
            As a person types them: all have to be met. Words in quotes stand side by side, -word is
            not wanted, word* begins so; camera: tag: place: in: name: caption: type: look in one
            thing alone, date: after: before: since: until: take a time.
        folder, since, until, tags
            Only such photos, as for `photos`.
        any_word
            Whether one of the words is enough; photos with several come first.
        as_typed
            Whether the last word may be the beginning of one, and what is no time yet is left out.
        offset
            How many photos to skip.
        limit
            How many to return at most.
        progress
            Called while the text index is brought up to date first; the daemon does so by itself.

        Raises
        ------
        RequestError
            A time is none, or the text is too long.
        LibraryError
            The text index cannot be read or written.
        """
        ...

    @operation("POST", "/api/explain", lane=SEARCHES, seconds=_COLD)
    def explain(
        self,
        query: QueryPhoto,
        hit: QueryPhoto,
        *,
        extractor: Text | None = None,
        words: Words | None = None,
        words_weight: Unit | None = None,
    ) -> Explanation:
        """Explain why a photo of the library is a hit of a query: regions, extractors, neighbours.

        Parameters
        ----------
        query
            The photo of the query: its id, or its absolute path, inside or outside the library; to
            the daemon also an upload.
        hit
            The id of the photo that is a hit, or its absolute path.
        extractor
            The name of the extractor whose embeddings are compared; the one in the settings if not
            given.
        words, words_weight
            What the query asks for in words too, and how much that counts, as in a query.

        Raises
        ------
        ImageError
            The query cannot be read.
        LibraryError
            The hit is not in the library, or not embedded yet.
        ExtractorError
            There is no such extractor, or it does not work.
        """
        ...

    # Relevance feedback.

    @operation("POST", "/api/feedback", lane=SEARCHES, seconds=_COLD)
    def judge(
        self,
        query: Query,
        *,
        likes: Annotated[Sequence[PhotoId], Length(0, 1000)] = (),
        dislikes: Annotated[Sequence[PhotoId], Length(0, 1000)] = (),
        forget: Annotated[Sequence[PhotoId], Length(0, 1000)] = (),
    ) -> Answer:
        """Remember whether photos are what a query asked for; return its answer ranked by that.

        It is remembered by the contents of the query's photos and of those judged, and counts when
        the same is asked again, whatever it is limited to.

        Parameters
        ----------
        query
            What was asked.
        likes, dislikes
            The ids of photos that are what was asked for, and of those that are not.
        forget
            The ids of photos whose judgements are taken back.

        Raises
        ------
        ImageError, LibraryError
            As `similar`; or a photo is not in the library, not read whole yet, or judged in two
            ways.
        """
        ...

    @operation("GET", "/api/feedback")
    def judgements(self) -> list[Judged]:
        """Return what was judged, those of one query together, the query judged last first."""
        ...

    @operation("POST", "/api/feedback/remove", key="removed")
    def forget_judgements(
        self, judgements: Annotated[Sequence[JudgementKey], Length(1, 10_000)]
    ) -> int:
        """Take judgements back; return how many there were.

        Parameters
        ----------
        judgements
            As `judgements` names them, or the part before the colon for all of a query.
        """
        ...

    @operation("GET", "/api/feedback/metric")
    def metric(self) -> MetricStatus:
        """Return how the metric is that is learned from judgements, or why there is none.

        Raises
        ------
        LibraryError
            Nothing is indexed yet.
        """
        ...

    @operation("POST", "/api/feedback/metric", seconds=_LONG)
    def learn_metric(self) -> MetricStatus:
        """Learn a metric from the judgements now; the daemon does so in calm moments.

        It counts only if it ranks judged photos better of queries that it was not trained on, and
        other photos no worse.

        Raises
        ------
        LibraryError
            Nothing is indexed yet, or the disk refuses.
        """
        ...

    @operation("DELETE", "/api/feedback/metric")
    def forget_metric(self) -> MetricStatus:
        """Forget the metric; another one is learned from what is judged from then on.

        Raises
        ------
        LibraryError
            Nothing is indexed yet, or the disk refuses.
        """
        ...

    # Duplicates.

    @operation("GET", "/api/duplicates", seconds=_LONG)
    def duplicates(
        self,
        *,
        folder: AbsolutePath | None = None,
        spread: Spread = "any",
        keep: Keep | None = None,
    ) -> list[DuplicateGroup]:
        """Group the photos that show the same picture; the largest groups first.

        Parameters
        ----------
        folder
            Only photos below this folder.
        spread
            "across": only groups whose photos lie in different folders; "within": only photos that
            lie in one folder.
        keep
            Propose what to keep of each group: the "best", "largest", "oldest" or "newest", or what
            lies below a folder, given by its absolute path.
        """
        ...

    @operation("GET", "/api/duplicates/not-same")
    def not_same(self) -> list[NotSame]:
        """Return which photos a person told apart."""
        ...

    @operation("POST", "/api/duplicates/not-same")
    def tell_apart(
        self, photo: PhotoId, others: Annotated[Sequence[PhotoId], Length(1, 10_000)]
    ) -> list[NotSame]:
        """Remember that a photo does not show the same as others; return what is new.

        They are told apart by their contents, so it does not matter where the files are moved, and
        copies that are identical to the photo stay with it.

        Parameters
        ----------
        photo
            Its id.
        others
            The ids of the others.

        Raises
        ------
        LibraryError
            One of them is not in the library or not read whole yet, or all are identical files.
        """
        ...

    @operation("POST", "/api/duplicates/not-same/remove", key="removed")
    def forget_apart(self, pairs: Annotated[Sequence[ContentPair], Length(1, 10_000)]) -> int:
        """Take back that photos were told apart; return how many pairs.

        Parameters
        ----------
        pairs
            As `not_same` lists them.
        """
        ...

    # Photos from outside the library.

    @operation("POST", "/api/known", lane=SEARCHES, seconds=_LONG)
    def known(
        self,
        photos: Annotated[Sequence[OutsidePhoto], Length(1, 100)],
        *,
        folder: AbsolutePath | None = None,
    ) -> list[KnownPhoto]:
        """Say of photos anywhere whether the library has them already.

        Contents are compared first, then what the pictures show, as for duplicates. Nothing is
        added to the library, and nothing written beside the photos.

        Parameters
        ----------
        photos
            Their paths; the answer is in the same order.
        folder
            Only photos of the library below this folder count.

        Raises
        ------
        LibraryError
            Nothing is indexed yet.
        ExtractorError
            The extractor does not work.
        """
        ...

    @operation("GET", "/api/known/files")
    def photo_files(self, folder: AbsolutePath) -> PhotoFiles:
        """Return the photos in a folder anywhere, without those that indexing leaves out.

        Raises
        ------
        LibraryError
            It is no folder, or cannot be looked at.
        """
        ...

    # Photos.

    @operation("GET", "/api/photos", names={"tags": "tag"})
    def photos(
        self,
        *,
        folder: AbsolutePath | None = None,
        since: Date | None = None,
        until: Date | None = None,
        tags: TagNames = (),
        offset: Count = 0,
        limit: Limit = 100,
        path: AbsolutePath | None = None,
    ) -> list[PhotoDetails]:
        """Return photos of a folder, of a time, with tags, or all, page by page, newest first.

        Parameters
        ----------
        folder
            Only photos below this folder.
        since, until
            Only photos captured in this span, as in `Query`.
        tags
            Only photos that carry all of these tags or keywords.
        offset
            How many to skip.
        limit
            How many to return at most.
        path
            Only the photo at this path, whatever else is given.

        Raises
        ------
        LibraryError
            No photo has one of the tags, with a hint at similar ones; or there is none at the path.
        """
        ...

    @operation("GET", "/api/photos/count", key="photos", names={"tags": "tag"})
    def count(
        self,
        *,
        folder: AbsolutePath | None = None,
        since: Date | None = None,
        until: Date | None = None,
        tags: TagNames = (),
    ) -> int:
        """Return how many photos there are in a folder, of a time, with tags, or at all.

        Parameters
        ----------
        folder, since, until, tags
            As for `photos`.

        Raises
        ------
        LibraryError
            No photo has one of the tags, with a hint at similar ones.
        """
        ...

    @operation("POST", "/api/embeddings", names={"tags": "tag"})
    def embeddings(
        self,
        *,
        photos: Annotated[Sequence[PhotoId], Length(0, 10_000)] | None = None,
        folder: AbsolutePath | None = None,
        since: Date | None = None,
        until: Date | None = None,
        tags: TagNames = (),
        extractor: Text | None = None,
        offset: Count = 0,
        limit: Limit = 1000,
    ) -> Embeddings:
        """Return the stored embeddings of photos, page by page; `vectors` of it is the array.

        Photos that the extractor has not embedded are left out.

        Parameters
        ----------
        photos
            The ids of the photos, which come in this order; all if not given, newest first.
        folder, since, until, tags
            Only such photos, as for `photos`.
        extractor
            Whose embeddings: the one that answers queries, if not given.
        offset
            How many photos to skip.
        limit
            How many to return at most.

        Raises
        ------
        LibraryError
            Nothing is indexed with the extractor yet, or no photo has one of the tags.
        ExtractorError
            There is no such extractor.
        """
        ...

    @operation("GET", "/api/photos/{photo}")
    def photo(self, photo: PhotoReference) -> PhotoDetails:
        """Return what is known of a photo.

        Raises
        ------
        LibraryError
            It is not in the library.
        """
        ...

    @operation("GET", "/api/photos/{photo}/place", key="place", lane=SEARCHES, seconds=_COLD)
    def place(self, photo: PhotoReference) -> str:
        """Return the town, the region and the country where a photo was taken; "" if not known.

        Raises
        ------
        LibraryError
            It is not in the library.
        """
        ...

    @operation("GET", "/api/photos/{photo}/thumbnail", lane=PICTURES, seconds=_COLD, by_hand=True)
    def thumbnail(self, photo: PhotoId, size: ThumbnailSize = 256) -> bytes:
        """Return a JPEG of a photo, upright, of at most ``size`` pixels a side.

        Raises
        ------
        LibraryError
            The photo is not in the library.
        ImageError
            It cannot be read.
        """
        ...

    @abc.abstractmethod
    def thumbnail_of(self, path: AbsolutePath, size: ThumbnailSize = 256) -> bytes:
        """Return a JPEG of a picture that need not be in the library, as `thumbnail` does.

        Raises
        ------
        ImageError
            It cannot be read.
        """

    # Evaluating, and training.

    @operation("POST", "/api/evaluations", lane=LEARNING, seconds=_DAY)
    def evaluate(
        self,
        source: AbsolutePath,
        *,
        extractors: Annotated[Sequence[Text], Length(0, 20)] = (),
        split: Annotated[float, Between(0, 0.9)] = 0.2,
        scenes: bool = False,
        seed: Seed = 0,
        engines: bool = True,
    ) -> EvaluationRecord:
        """Measure how well labelled photos are found and told apart, and keep the report.

        It takes minutes, and the answer comes in the end. The library is not changed. Evaluations
        and trainings take turns.

        Parameters
        ----------
        source
            A folder with a folder of photos for each class, or a CSV of paths and labels.
        extractors
            Those that are compared: names, or several that compare together, as in "a,b". The one
            in use if none is given.
        split
            The share of each class that is held out for classification; 0 for leave-one-out.
        scenes
            Whether labels name scenes: a few photos each, and nothing to classify.
        seed
            Of the split and of random samples.
        engines
            Whether search engines are compared too, for which code is compiled.

        Raises
        ------
        LearningError
            The photos or their labels are not such that anything can be measured, or matplotlib is
            not installed.
        ExtractorError
            An extractor does not work.
        LibraryError
            The disk refuses the report.
        """
        ...

    @operation("POST", "/api/trainings", lane=LEARNING, seconds=_DAY)
    def train(
        self,
        name: Text,
        *,
        source: AbsolutePath | None = None,
        kind: LabelSource = "labels",
        method: TrainingMethod = "proxy",
        dimensions: Annotated[int, Between(2, 4096)] = 128,
        mining: Mining = "semi-hard",
        fine_tune_layers: Annotated[int, Between(0, 17)] = 0,
        extractor: Text | None = None,
        epochs: Annotated[int, Between(1, 10_000)] | None = None,
        split: Annotated[float, Between(0.05, 0.5)] = 0.2,
        seed: Seed = 0,
        replace: bool = False,
    ) -> TrainedExtractor:
        """Train an extractor on labelled photos; it is not put into use.

        It takes seconds to many minutes, and the answer comes in the end. Evaluations and trainings
        take turns.

        Parameters
        ----------
        name
            The name of the extractor that comes of it.
        source
            With "labels": a folder with a folder of photos for each class, or a CSV of paths and
            labels.
        kind
            Where the labels come from: "labels" of the source, "tags" (keywords that people wrote
            into photos of the library), or "feedback" (what was liked and disliked).
        method
            What is learned.
        dimensions
            The length of the new embeddings.
        mining
            Which negatives triplets are made with.
        fine_tune_layers
            How many of the last blocks of the network are trained too; 0 for a head on embeddings.
        extractor
            The one to start from; the first in use if not given.
        epochs
            Passes over the photos; 50 if not given, through the network 12.
        split
            The share of the photos of each class that is held out for the test.
        seed
            Makes splits and training the same again.
        replace
            Whether a model of that name is replaced.

        Raises
        ------
        LearningError
            Nothing can be learned of these photos.
        ExtractorError
            The name is taken, the extractor to start from does not work, or Keras is not installed.
        LibraryError
            The disk refuses.
        WorkerError
            The training failed.
        """
        ...

    @operation("GET", "/api/evaluations")
    def evaluations(self) -> list[EvaluationRecord]:
        """Return the evaluations whose reports are kept, the newest first."""
        ...

    @operation("GET", "/api/evaluations/{evaluation}/report", by_hand=True)
    def evaluation_report(self, evaluation: EvaluationId) -> bytes:
        """Return the report of an evaluation, HTML that needs nothing else.

        Raises
        ------
        LibraryError
            There is none, or its file is not what photofind wrote.
        """
        ...

    @operation("GET", "/api/tags")
    def tags(self, *, limit: PositiveCount | None = None) -> list[TagCount]:
        """Return the tags and keywords that photos carry, those of the most photos first.

        Wider words are among them: a photo of a beagle carries "dog" and "animal" too.

        Parameters
        ----------
        limit
            How many to return at most; all if not given.
        """
        ...

    @operation("GET", "/api/tagged", names={"tags": "tag"})
    def tagged(
        self, tags: Annotated[Sequence[TagName], Length(1, 20)], *, limit: Limit = 100
    ) -> list[PhotoDetails]:
        """Return the photos that carry all of some tags or keywords, the surest first.

        Parameters
        ----------
        tags
            At least one, whatever their case: whole names, whole words of them, or wider words
            ("animal" finds what shows a beagle). A word that no photo carries stands for what it is
            nearest to, as "puppy" does for "dog".
        limit
            How many to return at most.

        Raises
        ------
        LibraryError
            No photo has one of the tags, with a hint at similar ones.
        """
        ...

    @operation("GET", "/api/tags/notes", names={"tags": "tag"})
    def tag_notes(self, tags: Annotated[Sequence[TagName], Length(1, 20)]) -> list[str]:
        """Return what people should know of tags that are looked for, a line each.

        A word that no photo carries stands for what it is nearest to; the line says so.

        Parameters
        ----------
        tags
            As for `tagged`, or in a filter.
        """
        ...

    @operation("POST", "/api/photos/tags", seconds=_LONG)
    def judge_tags(
        self,
        photos: Annotated[Sequence[PhotoId], Length(1, 10_000)],
        *,
        add: TagNames = (),
        remove: TagNames = (),
        forget: TagNames = (),
        write_sidecar: bool = False,
    ) -> Tagging:
        """Remember which tags are right for photos and which are wrong.

        It is remembered by the contents of the photos, whatever extractors name in them, and
        decides what is shown and found. A tag that is wrong is so with all that lie below it.

        Parameters
        ----------
        photos
            Their ids.
        add
            The tags that are right; they may be words that no extractor named.
        remove
            The tags that are wrong.
        forget
            The tags of which nothing is said any more.
        write_sidecar
            Write what is said of these photos' tags into XMP sidecars beside them too. The photos
            themselves are not changed.

        Raises
        ------
        LibraryError
            A photo is not in the library or not read whole yet, or a tag is judged in two ways.
        """
        ...

    @operation("GET", "/api/overview")
    def overview(self, folder: AbsolutePath | None = None) -> Overview:
        """Return how many photos there are in each folder and month: of all, or below a folder."""
        ...

    @operation("GET", "/api/failures")
    def failures(self) -> list[Failure]:
        """Return the photos that could not be indexed, with their reasons, by path.

        Also those that one extractor refused, though others may have embedded them.
        """
        ...

    # The files of photos.

    @operation("POST", "/api/photos/{photo}/open")
    def open(self, photo: PhotoReference) -> None:
        """Open a photo with the program that the system opens photos with.

        Raises
        ------
        LibraryError
            It is not in the library.
        DesktopError
            It is out of reach, or no program opens it.
        """

    @operation("POST", "/api/photos/{photo}/reveal")
    def reveal(self, photo: PhotoReference) -> None:
        """Show a photo in its folder, in the file manager.

        Raises
        ------
        LibraryError
            It is not in the library.
        DesktopError
            It is out of reach, or no folder can be shown.
        """

    @operation("POST", "/api/photos/trash", names={"photos": "ids"}, seconds=_LONG)
    def trash(
        self,
        photos: Annotated[Sequence[int], Length(1, 10_000)],
        *,
        kept: Annotated[Sequence[int], Length(0, 10_000)] = (),
    ) -> Trashing:
        """Move photos to the system's trash; nothing is ever deleted.

        A file that has changed since it was indexed stays where it is.

        Parameters
        ----------
        photos
            Their ids.
        kept
            For each of them the id of a photo that is kept for it. Each of these is read whole
            first: without a file of its own that is as it was indexed, the photo stays.

        Raises
        ------
        LibraryError
            As many photos are not kept as are to be moved.
        """
        ...

    @operation("POST", "/api/photos/untrash")
    def untrash(
        self, undo: Annotated[str, Matching("^[0-9a-f]{32}$", "0" * 32)] | None = None
    ) -> Untrashing:
        """Put photos back that were moved to the trash.

        Parameters
        ----------
        undo
            The token that moving them returned; what was moved last if not given.

        Raises
        ------
        DesktopError
            The token is unknown, or too old.
        """
        ...

    @operation("GET", "/api/photos/trashed")
    def trashed(self) -> list[TrashedBefore]:
        """Return what was moved to the trash and can be put back, the last first."""
        ...

    # The library, the extractors and the settings.

    @operation("GET", "/api/status")
    def status(self) -> Status:
        """Return how the library is, and what the daemon does."""
        ...

    @operation("GET", "/api/doctor", seconds=_LONG, fixed={"repair": False})
    @operation("POST", "/api/doctor/repair", seconds=_LONG, fixed={"repair": True})
    def doctor(self, *, repair: bool = False) -> list[Check]:
        """Check the library; with ``repair``, repair what can be repaired.

        Raises
        ------
        LibraryError
            Something is to be repaired and another photofind is writing to the library.
        """
        ...

    @operation("GET", "/api/extractors", lane=PICTURES, seconds=_LONG)
    def extractors(self) -> list[ExtractorStatus]:
        """Return the installed extractors, each tried in a process of its own.

        One that works is not tried again until something has changed.
        """
        ...

    @operation("GET", "/api/settings")
    def list_settings(self) -> list[Setting]:
        """Return every setting as it stands."""
        ...

    @operation("PUT", "/api/settings/{name:path}", key="value")
    def set_setting(self, name: str, value: Text) -> SettingValue:
        """Change a setting; return its new value.

        Parameters
        ----------
        name
            One of those that are listed.
        value
            As a person types it.

        Raises
        ------
        SettingsError
            There is no such setting, or it cannot take the value.
        LibraryError
            The disk refuses.
        """
        ...

    @operation("DELETE", "/api/settings/{name:path}", key="value")
    def reset_setting(self, name: str) -> SettingValue:
        """Give a setting its default again; return that.

        Raises
        ------
        SettingsError
            There is no such setting.
        LibraryError
            The disk refuses.
        """
        ...

    # The daemon.

    @operation("POST", "/api/pause")
    def pause(self, seconds: Seconds | None = None) -> None:
        """Have the daemon pause all work, for some seconds or until it is resumed.

        Raises
        ------
        LibraryError
            There is no daemon.
        """

    @operation("POST", "/api/resume")
    def resume(self) -> None:
        """Have the daemon resume its work.

        Raises
        ------
        LibraryError
            There is no daemon.
        """

    @operation("GET", "/api/events", by_hand=True)
    def events(self) -> Iterator[Event]:
        """Yield what happens in the daemon, as it happens, until it stops.

        Raises
        ------
        LibraryError
            There is no daemon.
        """
        ...


OPERATIONS = declared_operations(Operations)
"""All operations by name, in the order of their declarations."""
