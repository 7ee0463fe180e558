"""Plain values that cross every border: between rooms, to the daemon, and as JSON to scripts.

Importing them costs next to nothing.
"""

from photofind.model.codec import as_plain, revive
from photofind.model.indexing import Event, Progress, Report, Skipped
from photofind.model.photos import (
    Failure,
    Overview,
    PhotoDetails,
    Tag,
    TagCount,
    Trashing,
    Untrashing,
)
from photofind.model.query import Answer, DuplicateGroup, DuplicateKind, Hit, Query
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

__all__ = [
    "Answer",
    "Check",
    "DaemonStatus",
    "DuplicateGroup",
    "DuplicateKind",
    "Event",
    "ExtractorStatus",
    "Failure",
    "FolderStatus",
    "Hit",
    "Overview",
    "PhotoDetails",
    "ProcessStatus",
    "Progress",
    "Query",
    "Report",
    "SearchStatus",
    "Setting",
    "SettingValue",
    "Skipped",
    "Status",
    "Tag",
    "TagCount",
    "Trashing",
    "Untrashing",
    "as_plain",
    "revive",
]
