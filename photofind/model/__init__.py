"""Plain values that cross every border: between rooms, to the daemon, and as JSON to scripts.

Importing them costs next to nothing.
"""

from photofind.model.codec import as_plain, revive
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
    DuplicateGroup,
    DuplicateKind,
    ExtractorProgress,
    Feedback,
    Hit,
    JudgedPhoto,
    NotSame,
    Proposal,
    Query,
    Spread,
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
