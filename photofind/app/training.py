"""Training an extractor on labelled photos, in this process and a worker; the daemon has no part.

It becomes a model in the home, and a daemon that runs notices it as it notices every other.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from filelock import FileLock, Timeout

from photofind.app.resources import Resources
from photofind.errors import ExtractorError, LearningError
from photofind.extractors.add_model import add_model, check_name
from photofind.extractors.extraction import Extraction
from photofind.extractors.heads import add_head
from photofind.extractors.info import ExtractorInfo
from photofind.extractors.models import Model, list_models
from photofind.learning.labels import read_labels
from photofind.learning.training.card import TrainingCard
from photofind.learning.training.data import TrainingData, check_data, check_labels, cleaned
from photofind.learning.training.settings import TrainingSettings
from photofind.learning.training.sources import judged_photos, labelled_photos, tagged_photos
from photofind.learning.training.trainer import Trainer
from photofind.learning.training.training import fine_tune_and_test, train_head_and_test
from photofind.library.made_by import space_made_by
from photofind.library.store import Store
from photofind.library.stores import store_exists
from photofind.model import Progress
from photofind.model.extractor_choice import parse_extractors
from photofind.model.records import Space
from photofind.paths import Home, private_folder
from photofind.system.disk import explain_disk_errors
from photofind.system.extras import require_extra

__all__ = ["TrainingRequest", "train_extractor"]

_FINE_TUNED = "mobilenet"
"""The extractor whose network can be fine-tuned."""

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class TrainingRequest:
    """What is to be trained.

    Parameters
    ----------
    name
        The name of the extractor that comes of it.
    settings
        How to train.
    source
        A folder of class folders, or a CSV of labels; or "keywords" or "feedback" of the library.
    kind
        "labels", "tags" or "feedback": what ``source`` is.
    extractor
        The base; the first of those in use where not given, or what that is derived from.
    share
        The share of the photos of each class that is held out.
    """

    name: str
    settings: TrainingSettings
    source: str = ""
    kind: str = "labels"
    extractor: str | None = None
    share: float = 0.2


def train_extractor(
    home: Home,
    request: TrainingRequest,
    progress: Report = lambda progress: None,
    note: Callable[[str], None] = lambda line: None,
) -> TrainingCard:
    """Train an extractor and make it one of the home; it is not put into use.

    Parameters
    ----------
    home
        The home.
    request
        What to train.
    progress
        Called as it goes on.
    note
        Called with what is to be said before time is spent, a line at a time.

    Raises
    ------
    LearningError
        Nothing can be learned of these photos.
    ExtractorError
        The name is taken, the base does not work, or Keras is not installed.
    LibraryError
        The disk refuses.
    WorkerError
        The training worker failed.
    """
    require_extra("keras", "training", ExtractorError)
    check_name(home, request.name)
    settings = request.settings
    tunes = settings.fine_tune_layers > 0
    if tunes and settings.method == "autoencoder":
        raise LearningError(
            "an autoencoder is not trained through the network", "choose another --method"
        )
    resources = Resources(home, resident=False)
    try:
        with _alone(home, request.name):
            data = _data(resources, request, progress)
            data = check_data(cleaned(data))
            for line in data.notes:
                note(line)
            with Trainer(home, resources.settings.threads) as trainer:
                if tunes:
                    return _fine_tune(resources, request, data, trainer, progress)
                head, card = train_head_and_test(
                    data,
                    settings,
                    name=request.name,
                    trainer=trainer,
                    share=request.share,
                    progress=progress,
                )
            add_head(home, request.name, head, data.base, card.to_json())
            return card
    finally:
        resources.close()


def _fine_tune(
    resources: Resources,
    request: TrainingRequest,
    data: TrainingData,
    trainer: Trainer,
    progress: Report,
) -> TrainingCard:
    home = resources.home
    folder = home.training / request.name
    file, card = fine_tune_and_test(
        data,
        request.settings,
        name=request.name,
        trainer=trainer,
        limits=resources.limits,
        folder=folder,
        share=request.share,
        progress=progress,
    )
    named = file.with_name(f"{request.name}.keras")
    file.replace(named)
    try:
        add_model(
            home,
            Model(request.name, os.fspath(named), ""),
            lambda phase: progress(Progress(phase, 0)),
            card.to_json(),
        )
    except BaseException:
        named.replace(file)
        raise
    with suppress(OSError):
        shutil.rmtree(folder)
    return card


def _data(resources: Resources, request: TrainingRequest, progress: Report) -> TrainingData:
    home = resources.home
    name = request.extractor or _first_in_use(resources)
    if request.settings.fine_tune_layers and name != _FINE_TUNED:
        raise LearningError(
            f"the network of {name} cannot be fine-tuned, only that of {_FINE_TUNED}",
            f"give --extractor {_FINE_TUNED}, or train a head, without --fine-tune-layers",
        )
    if request.kind == "labels":
        photos = read_labels(request.source)
        check_labels(photos.source, photos.labels)
        with resources.new_extraction(name, low_priority=True) as extraction:
            _check_base(extraction, request.settings.dimensions)
            store = resources.library if store_exists(home) else None
            return labelled_photos(
                photos, name, lambda _: extraction, store, home.cache / "labelled", progress
            )
    if not store_exists(home):
        raise LearningError("there is no library yet", "run `photofind folders add FOLDER`")
    store = resources.library
    with resources.new_extraction(name, low_priority=True) as extraction:
        info = _check_base(extraction, request.settings.dimensions)
    space = _space(store, info)
    base = f"{info.name}@{info.version}"
    if request.kind == "tags":
        return tagged_photos(store, space, base)
    return judged_photos(store, space, base, store.judgements())


def _first_in_use(resources: Resources) -> str:
    """Return the first extractor in use, or the base of the head that is."""
    name = next(iter(parse_extractors(resources.settings.extractor)))
    bases = {model.name: model.derives_from for model in list_models(resources.home)}
    return bases.get(name, "").partition("@")[0] or name


def _check_base(extraction: Extraction, dimensions: int) -> ExtractorInfo:
    info = extraction.info()
    if info.derives_from:
        raise LearningError(
            f"{info.name} is derived from {', '.join(info.derives_from)} itself",
            "give the base with --extractor",
        )
    if dimensions > info.dimension:
        raise LearningError(
            f"embeddings of {info.name} have {info.dimension} numbers: what is trained on them "
            f"cannot have {dimensions}",
            f"give --dimensions {info.dimension} at most",
        )
    return info


def _space(store: Store, info: ExtractorInfo) -> Space:
    space = space_made_by(store, info)
    if space is None or not store.space_counts(space.id).embedded:
        raise LearningError(
            f"{info.name} has embedded no photo of the library yet", "run `photofind index`"
        )
    return space


@contextmanager
def _alone(home: Home, name: str) -> Iterator[None]:
    """Keep others from training an extractor of the same name at the same time."""
    lock = FileLock(home.training / f"{name}.lock", timeout=0, mode=0o600)
    try:
        with explain_disk_errors(home.training):
            private_folder(home.training)
            lock.acquire()
    except Timeout:
        raise LearningError(
            f"another process is training {name}", "wait until it has ended, or choose another name"
        ) from None
    try:
        yield
    finally:
        lock.release()
