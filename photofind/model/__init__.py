"""Plain values that cross every border: between rooms, to the daemon, and as JSON to scripts.

Importing them costs next to nothing: each is loaded when it is first used, for commands wait for
what they import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from photofind.model.codec import as_plain, revive
    from photofind.model.duplicates import (
        DuplicateGroup,
        DuplicateKind,
        NotSame,
        Proposal,
        Spread,
    )
    from photofind.model.embeddings import Embeddings
    from photofind.model.evaluations import EvaluationRecord
    from photofind.model.explanation import (
        CellWeights,
        ExplainedPart,
        ExplainedPhoto,
        ExplainedWords,
        Explanation,
        Region,
        Resembling,
        WrittenMatch,
    )
    from photofind.model.feedback import Judged, MetricStatus
    from photofind.model.indexing import Event, Progress, Report, Skipped
    from photofind.model.known import KnownPhoto, KnownState, PhotoFiles
    from photofind.model.photos import (
        Failure,
        Overview,
        PhotoDetails,
        Tag,
        TagCount,
        Tagging,
        TrashedBefore,
        Trashing,
        Untrashing,
    )
    from photofind.model.query import (
        Answer,
        ByWords,
        ExtractorProgress,
        Feedback,
        Hit,
        JudgedPhoto,
        Query,
    )
    from photofind.model.search import Correction, FoundPhoto, SearchAnswer
    from photofind.model.settings import Setting, SettingValue
    from photofind.model.status import (
        Check,
        DaemonStatus,
        ExtractorStatus,
        FolderStatus,
        ProcessStatus,
        SearchStatus,
        Status,
    )
    from photofind.model.training import (
        LabelSource,
        MeanPrecision,
        Mining,
        TrainedExtractor,
        TrainingMethod,
    )

__all__ = [
    "Answer",
    "ByWords",
    "CellWeights",
    "Check",
    "Correction",
    "DaemonStatus",
    "DuplicateGroup",
    "DuplicateKind",
    "Embeddings",
    "EvaluationRecord",
    "Event",
    "ExplainedPart",
    "ExplainedPhoto",
    "ExplainedWords",
    "Explanation",
    "ExtractorProgress",
    "ExtractorStatus",
    "Failure",
    "Feedback",
    "FolderStatus",
    "FoundPhoto",
    "Hit",
    "Judged",
    "JudgedPhoto",
    "KnownPhoto",
    "KnownState",
    "LabelSource",
    "MeanPrecision",
    "MetricStatus",
    "Mining",
    "NotSame",
    "Overview",
    "PhotoDetails",
    "PhotoFiles",
    "ProcessStatus",
    "Progress",
    "Proposal",
    "Query",
    "Region",
    "Report",
    "Resembling",
    "SearchAnswer",
    "SearchStatus",
    "Setting",
    "SettingValue",
    "Skipped",
    "Spread",
    "Status",
    "Tag",
    "TagCount",
    "Tagging",
    "TrainedExtractor",
    "TrainingMethod",
    "TrashedBefore",
    "Trashing",
    "Untrashing",
    "WrittenMatch",
    "as_plain",
    "revive",
]

_NAMES = {
    "photofind.model.codec": "as_plain revive",
    "photofind.model.duplicates": "DuplicateGroup DuplicateKind NotSame Proposal Spread",
    "photofind.model.embeddings": "Embeddings",
    "photofind.model.evaluations": "EvaluationRecord",
    "photofind.model.explanation": (
        "CellWeights ExplainedPart ExplainedPhoto ExplainedWords Explanation Region "
        "Resembling WrittenMatch"
    ),
    "photofind.model.feedback": "Judged MetricStatus",
    "photofind.model.indexing": "Event Progress Report Skipped",
    "photofind.model.known": "KnownPhoto KnownState PhotoFiles",
    "photofind.model.photos": (
        "Failure Overview PhotoDetails Tag TagCount Tagging TrashedBefore Trashing Untrashing"
    ),
    "photofind.model.query": ("Answer ByWords ExtractorProgress Feedback Hit JudgedPhoto Query"),
    "photofind.model.search": "Correction FoundPhoto SearchAnswer",
    "photofind.model.settings": "Setting SettingValue",
    "photofind.model.status": (
        "Check DaemonStatus ExtractorStatus FolderStatus ProcessStatus SearchStatus Status"
    ),
    "photofind.model.training": "LabelSource MeanPrecision Mining TrainedExtractor TrainingMethod",
}
"""The exported names, by the modules that have them."""
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
