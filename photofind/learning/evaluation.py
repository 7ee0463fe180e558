"""Evaluating extractors on labelled photos, by protocols that are not mixed.

- *Classification of held-out photos*: k-NN and a linear probe on frozen embeddings.
- *P@k with the query in the gallery*, as many papers measure: the first hit is the query itself.
- *Full mAP, leave-one-out*: every photo is a query against all others.

With a split, photos held out are also searched with as queries from outside the library.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import numpy.typing as npt

from photofind.errors import LearningError
from photofind.learning.classifiers import (
    NEIGHBOURS,
    PROBE_FOLDS,
    nearest_vote,
    probe_by_folds,
    probe_held_out,
)
from photofind.learning.engines import measure_engines
from photofind.learning.estimates import (
    classification_of,
    retrieval_of,
    score_meanings,
)
from photofind.learning.gallery import Gallery
from photofind.learning.labels import LabelledPhotos, enough_labels
from photofind.learning.leaks import Copies, find_copies, without_copies, without_leaks
from photofind.learning.metrics import average_precision, ranked_relevance
from photofind.learning.product import ProductLibrary
from photofind.learning.results import Evaluation, Example, Leak
from photofind.learning.splits import Split, held_out_photos
from photofind.model import Progress
from photofind.ranking.projection import Vectors32, fit_projection, normalised

__all__ = ["Plan", "evaluate"]

Places = npt.NDArray[np.intp]
Similarities = npt.NDArray[np.floating[Any]]
Report = Callable[[Progress], None]
Step = tuple[str, str, Callable[[], None]]
"""A choice of extractors, what is done, and what does it."""

_PACKAGES = ("photofind", "numpy", "scikit-learn", "pynndescent", "faiss-cpu")
_FEW_QUERIES = 200
_MOST_PAIRS = 20_000_000
# The product expands each query, and has scores beside similarities, which take memory too.
_MOST_PRODUCT_PAIRS = 5_000_000
_BATCH = 50
# What steps cost beside each other, among 7,000 photos; the last one compiles.
_COSTS = {
    "k-NN": 1.0,
    "linear probe": 4.0,
    "retrieval by cosine": 4.0,
    "held-out queries": 5.0,
    "photofind's ranking": 5.0,
    "search engines": 24.0,
}
_EXAMPLE_HITS = 10
_EXAMPLES = 6


@dataclass(frozen=True)
class Plan:
    """How to evaluate.

    Parameters
    ----------
    split
        The share of photos that is held out for classification; None for leave-one-out.
    seed
        Of the split, the samples of queries and the intervals.
    queries
        At most so many photos are asked with, drawn at random; fewer in a large gallery.
    product_queries
        The same for photofind's own ranking, which takes longer.
    retrieval
        Whether photos of the gallery are queries too, which does not depend on the split.
    engines
        Whether search engines are compared too.
    """

    split: float | None = 0.2
    seed: int = 0
    queries: int = 2000
    product_queries: int = 1000
    retrieval: bool = True
    engines: bool = True


def evaluate(
    gallery: Gallery, plan: Plan, progress: Report = lambda progress: None
) -> Iterator[Evaluation]:
    """Evaluate embeddings of labelled photos.

    Parameters
    ----------
    gallery
        The photos with their embeddings by each choice of extractors.

    Yields
    ------
    Evaluation
        What is found so far: after each step, with more than before. Only the last is complete.

    Raises
    ------
    LearningError
        Without copies there are fewer than two labels with two photos, or none is held out.
    """
    return _Evaluator(gallery, plan, progress).run()


class _Evaluator:
    def __init__(self, gallery: Gallery, plan: Plan, progress: Report) -> None:
        self._plan = plan
        self._progress = progress
        self._began = time.monotonic()
        self._later: float | None = None  # Seconds that the steps after this one will take.
        enough = enough_labels(gallery.photos)
        if len(enough) < len(gallery.photos):
            kept = set(enough.paths)
            places = [place for place, path in enumerate(gallery.photos.paths) if path in kept]
            gallery = replace(gallery.select(np.array(places)), photos=enough)
        self._all = gallery
        progress(Progress("looking for copies", 0))
        self._is_classes = gallery.photos.kind == "classes"
        self._copies = find_copies(gallery.contents, gallery.fingerprints, near=self._is_classes)
        distinct = without_copies(self._copies)
        self._gallery = gallery.select(distinct)
        enough_labels(self._gallery.photos)
        self._codes = self._gallery.photos.codes
        self._classes = self._gallery.photos.classes
        # As many as can be compared with all photos at once.
        self._most = min(plan.queries, max(_FEW_QUERIES, _MOST_PAIRS // len(distinct)))
        self._most_product = min(
            plan.product_queries, max(_FEW_QUERIES, _MOST_PRODUCT_PAIRS // len(distinct))
        )
        self._queries = _drawn(len(distinct), self._most, plan.seed)
        self._split = self._held_out(gallery, self._copies)
        self.result = self._begun(gallery, distinct)

    def _held_out(self, gallery: Gallery, copies: Copies) -> Split | None:
        """Return the split of all photos, without leaks; None for leave-one-out."""
        if self._plan.split is None:
            return None
        split = held_out_photos(gallery.photos.codes, self._plan.split, self._plan.seed)
        split, _ = without_leaks(split, copies)
        if not len(split.queries):
            raise LearningError(
                f"each photo held out of {gallery.photos.source} has a copy among the others",
                "add more photos, hold out more with --split, or use --leave-one-out",
            )
        some = _drawn(len(split.queries), self._most, self._plan.seed)
        return Split(split.gallery, split.queries[some])

    def _begun(self, gallery: Gallery, distinct: Places) -> Evaluation:
        photos, plan = gallery.photos, self._plan
        leaks = _leaks(photos, self._copies, distinct)
        notes = [*photos.notes, *_notes_of(leaks)]
        notes.append(
            "embeddings have length 1, so Euclidean distance ranks photos as the cosine does"
        )
        if min(self._most, self._most_product) < len(distinct):
            notes.append(
                f"figures are of {min(self._most, len(distinct)):,} queries at most, and of "
                f"{self._most_product:,} by photofind's ranking, drawn at random"
            )
        return Evaluation(
            source=photos.source,
            kind=photos.kind,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            photos=len(distinct),
            classes=dict(Counter(self._gallery.photos.labels)),
            extractors={choice: space.version for choice, space in gallery.spaces.items()},
            split=plan.split,
            seed=plan.seed,
            settings={
                "neighbours": NEIGHBOURS,
                "probe_folds": PROBE_FOLDS,
                "queries": self._most,
                "product_queries": self._most_product,
                "held_out": 0 if self._split is None else len(self._split.queries),
            },
            versions=_versions(),
            leaks=tuple(leaks),
            failures=gallery.failures,
            notes=tuple(notes),
            complete=False,
        )

    def run(self) -> Iterator[Evaluation]:
        choices = [*self._gallery.embeddings]
        steps = [step for choice in choices for step in self._steps(choice)]
        if self._plan.engines:  # At the end: one of them compiles for some time.
            steps += [(one, "search engines", partial(self._measure_engines, one))
                      for one in choices]  # fmt: skip
        yield self.result
        took: dict[str, list[float]] = {}
        for done, (choice, kind, step) in enumerate(steps):
            own, *later = (_expected(took, one) for _, one, _ in steps[done:])
            self._later = sum(later) if took else None
            left = own + sum(later) if took else None
            self._progress(Progress(f"{choice}: {kind}", done, len(steps), seconds_left=left))
            began = time.monotonic()
            step()
            took.setdefault(kind, []).append(time.monotonic() - began)
            self._set(seconds=round(time.monotonic() - self._began, 1))
            yield self.result
        self._set(complete=True)
        yield self.result

    def _set(self, **changes: Any) -> None:
        self.result = replace(self.result, **changes)

    def _steps(self, choice: str) -> Iterator[Step]:
        """Return the steps for one choice of extractors."""
        if self._is_classes:
            yield choice, "k-NN", partial(self._classify_by_neighbours, choice)
            yield choice, "linear probe", partial(self._classify_by_probe, choice)
        if self._plan.retrieval:
            yield choice, "retrieval by cosine", partial(self._retrieve_plainly, choice)
        if self._split is not None:
            yield choice, "held-out queries", partial(self._ask_from_outside, choice)
        if self._plan.retrieval:
            yield choice, "photofind's ranking", partial(self._retrieve_by_product, choice)

    # Classification.

    def _classify_by_neighbours(self, choice: str) -> None:
        if self._split is None:
            gallery, gallery_codes = self._gallery.embeddings[choice], self._codes
            queries, codes, own = gallery[self._queries], self._codes[self._queries], self._queries
        else:
            vectors, every = self._all.embeddings[choice], self._all.photos.codes
            gallery, gallery_codes = vectors[self._split.gallery], every[self._split.gallery]
            queries, codes, own = vectors[self._split.queries], every[self._split.queries], None
        for name, compared in _metrics(queries, gallery):
            told = nearest_vote(compared, gallery_codes, len(self._classes), own)
            self._add_classification(choice, f"k-NN, {name}", codes, told)

    def _classify_by_probe(self, choice: str) -> None:
        if self._split is None:
            vectors = self._gallery.embeddings[choice]
            told = probe_by_folds(vectors, self._codes, self._plan.seed)
            self._add_classification(choice, "linear probe", self._codes, told, "10 folds")
            return
        codes = self._all.photos.codes
        told = probe_held_out(self._all.embeddings[choice], codes, self._split)
        self._add_classification(choice, "linear probe", codes[self._split.queries], told)

    def _add_classification(
        self, choice: str, classifier: str, truth: Places, told: Places, setting: str = ""
    ) -> None:
        classes = self._classes if self._split is None else self._all.photos.classes
        setting = setting or ("leave-one-out" if self._split is None else "held out")
        one = classification_of(choice, classifier, setting, classes, truth, told, self._plan.seed)
        self._set(classification=(*self.result.classification, one))

    # Retrieval.

    def _retrieve_plainly(self, choice: str) -> None:
        vectors = self._gallery.embeddings[choice]
        for name, compared in _metrics(vectors[self._queries], vectors):
            self._add_retrieval(choice, name, "leave-one-out", compared, self._queries)
            if name == "cosine":
                self._add_retrieval(choice, name, "query in gallery", compared, self._queries)

    def _ask_from_outside(self, choice: str) -> None:
        assert self._split is not None
        vectors, codes = self._all.embeddings[choice], self._all.photos.codes
        asked = self._split.queries
        asked = asked[_drawn(len(asked), self._most_product, self._plan.seed)]
        queries, labels = vectors[asked], [self._all.photos.labels[place] for place in asked]
        query_codes, gallery_codes = codes[asked], codes[self._split.gallery]
        gallery = vectors[self._split.gallery]
        product = ProductLibrary(self._all.spaces[choice], gallery)
        similarities, _ = self._compared(product, choice, queries)
        for name, compared in (("cosine", queries @ gallery.T), ("photofind", similarities)):
            relevance = ranked_relevance(compared, query_codes, gallery_codes)
            one = retrieval_of(choice, name, "held out", relevance, labels, self._plan.seed)
            self._set(retrieval=(*self.result.retrieval, one))
        if self._is_classes:
            told = nearest_vote(similarities, gallery_codes, len(self._all.photos.classes))
            self._add_classification(choice, "k-NN, photofind's ranking", query_codes, told)

    def _retrieve_by_product(self, choice: str) -> None:
        vectors = self._gallery.embeddings[choice]
        product = ProductLibrary(self._gallery.spaces[choice], vectors)
        some = self._queries[_drawn(len(self._queries), self._most_product, 0)]
        similarities, scores = self._compared(product, choice, vectors[some], some)
        self._add_retrieval(choice, "photofind", "leave-one-out", similarities, some)
        self._add_retrieval(choice, "photofind", "query in gallery", similarities, some)
        codes = self._codes[some]
        meanings = score_meanings(choice, scores, codes, self._codes, some, self._plan.seed)
        self._set(scores=(*self.result.scores, *meanings))
        if self._is_classes and self._split is None:
            told = nearest_vote(similarities, self._codes, len(self._classes), some)
            self._add_classification(choice, "k-NN, photofind's ranking", codes, told)
        self._add_examples(choice, similarities, some)

    def _add_retrieval(
        self, choice: str, ranking: str, protocol: str, compared: Similarities, queries: Places
    ) -> None:
        relevance = ranked_relevance(compared, self._codes[queries], self._codes, queries)
        if protocol == "query in gallery":  # The query itself comes first.
            relevance = np.insert(relevance, 0, True, axis=1)
        labels = [self._gallery.photos.labels[place] for place in queries]
        one = retrieval_of(choice, ranking, protocol, relevance, labels, self._plan.seed)
        self._set(retrieval=(*self.result.retrieval, one))

    def _compared(
        self,
        product: ProductLibrary,
        choice: str,
        queries: Vectors32,
        own: Places | None = None,
    ) -> tuple[Similarities, Similarities]:
        """Compare queries by photofind's ranking, and say how far that is."""
        parts, began = [], time.monotonic()
        for start in range(0, len(queries), _BATCH):
            rate = start / max(time.monotonic() - began, 1e-3) if start else None
            left = (len(queries) - start) / rate + (self._later or 0) if rate else None
            phase = f"{choice}: queries by photofind's ranking"
            self._progress(Progress(phase, start, len(queries), 0, rate, left))
            some = slice(start, start + _BATCH)
            parts.append(product.compare(queries[some], None if own is None else own[some]))
        similarities, scores = zip(*parts, strict=True)
        return np.concatenate(similarities), np.concatenate(scores)

    def _add_examples(self, choice: str, similarities: Similarities, queries: Places) -> None:
        """Add half of the examples from the worst queries, half at random of different labels."""
        relevance = ranked_relevance(similarities, self._codes[queries], self._codes, queries)
        precision = np.nan_to_num(average_precision(relevance), nan=1.0)
        worst = np.argsort(precision, kind="stable")[: _EXAMPLES // 2].tolist()
        generator = np.random.default_rng(self._plan.seed)
        by_label: dict[int, int] = {}
        for row in generator.permutation(len(queries)).tolist():
            if row not in worst:
                by_label.setdefault(int(self._codes[queries[row]]), row)
        photos, added = self._gallery.photos, []
        for row in [*[*by_label.values()][: _EXAMPLES // 2], *worst]:
            place = int(queries[row])
            order = np.argsort(-similarities[row], kind="stable")
            hits = [int(hit) for hit in order if hit != place][:_EXAMPLE_HITS]
            added.append(
                Example(
                    choice,
                    photos.paths[place],
                    photos.labels[place],
                    tuple(photos.paths[hit] for hit in hits),
                    tuple(photos.labels[hit] for hit in hits),
                )
            )
        self._set(examples=(*self.result.examples, *added))

    # Search engines.

    def _measure_engines(self, choice: str) -> None:
        vectors = self._gallery.embeddings[choice]
        projection = fit_projection(vectors)
        points = projection.project(vectors)
        some = self._queries[:200]
        measured = tuple(measure_engines(points, points[some], some))
        self._set(engines={**self.result.engines, choice: measured})


def _leaks(photos: LabelledPhotos, copies: Copies, distinct: Places) -> list[Leak]:
    """Return the photos that are copies, each with the first of its group."""
    kept = set(distinct.tolist())
    firsts = {int(copies.groups[place]): int(place) for place in distinct}
    identical = {(one.left, one.right) for one in copies.pairs if one.identical}
    leaks = []
    for place, path in enumerate(photos.paths):
        if place not in kept:
            first = firsts[int(copies.groups[place])]
            kind = "same content" if (first, place) in identical else "near copy"
            labels = photos.labels[first], photos.labels[place]
            leaks.append(Leak(kind, photos.paths[first], path, labels))
    return leaks


def _notes_of(leaks: Sequence[Leak]) -> Iterator[str]:
    if leaks:
        first = leaks[0]
        taken = f"{len(leaks):,} photos are taken out as copies of others"
        if len(leaks) == 1:
            taken = "1 photo is taken out as a copy of another"
        copy = "a near copy of" if first.kind == "near copy" else "the same content as"
        yield (f"{taken}, such as {first.removed}: {copy} {first.kept}")
    if differing := [leak for leak in leaks if leak.labels[0] != leak.labels[1]]:
        one = differing[0]
        yield (
            f"{len(differing):,} of them had another label than their copy: {one.removed} is "
            f"{one.labels[1]!r}, {one.kept} is {one.labels[0]!r}"
        )


def _expected(took: Mapping[str, Sequence[float]], kind: str) -> float:
    """Return how long a step will take by what steps took: as others of its kind, if there are."""
    if kind in took:
        return took[kind][-1]
    cost = sum(_COSTS[one] * len(seconds) for one, seconds in took.items())
    return sum(map(sum, took.values())) / cost * _COSTS[kind] if cost else 0.0


def _metrics(queries: Vectors32, gallery: Vectors32) -> Iterator[tuple[str, Similarities]]:
    """Return how alike queries and a gallery are by each metric; the larger the nearer."""
    yield "cosine", queries @ gallery.T
    mean = gallery.mean(axis=0)
    yield "centred cosine", normalised(queries - mean) @ normalised(gallery - mean).T
    yield "Euclidean", -np.sqrt(np.maximum(2 - 2 * (queries @ gallery.T), 0))


def _drawn(count: int, most: int, seed: int) -> Places:
    """Return the places of at most so many, drawn at random, ascending."""
    places: Places = np.sort(np.random.default_rng(seed).permutation(count)[:most])
    return places


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
