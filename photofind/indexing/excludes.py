"""Which files and folders are left out, by rules in gitignore's syntax.

photofind's own rules come first and the user's after them, so that ``!name`` takes back what
photofind leaves out. Rules are relative to the added folder: a folder that was itself added is
indexed, whatever it is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from photofind.model.exclude_rules import is_rule

__all__ = ["DEFAULT_EXCLUDES", "DEFAULT_EXCLUDES_VERSION", "Rules"]

DEFAULT_EXCLUDES_VERSION = 1
"""Grows with each change to :data:`DEFAULT_EXCLUDES`; the change log says what changed."""

DEFAULT_EXCLUDES = (
    # Hidden: .git, .thumbnails, .Trash-1000, .stversions, macOS's ._ files, half-done downloads.
    ".*",
    # Trash.
    "$RECYCLE.BIN/",
    "RECYCLER/",
    "[#@][Rr]ecycle/",
    "lost+found/",
    # Snapshots and thumbnails that network storage keeps beside the files.
    "@eaDir/",
    "[#~]snapshot/",
    "@Recently-Snapshot/",
    # Thumbnails and previews that other programs make.
    "[Tt]humbnails/",
    "[Tt]humbs/",
    "*.lrdata/",
    "*.lrcat-data/",
    # Apple's libraries: the originals, not what is made from them.
    "**/*.photoslibrary/*",
    "**/*.photolibrary/*",
    "**/*.aplibrary/*",
    "!**/*.photoslibrary/originals/",
    "!**/*.photoslibrary/Masters/",
    "!**/*.photolibrary/Masters/",
    "!**/*.aplibrary/Masters/",
    # Programs and systems.
    "*.app/",
    "AppData/",
    "System Volume Information/",
    "__MACOSX/",
    "__pycache__/",
    "node_modules/",
    "site-packages/",
)


_STAR = "[^/]*"  # As pathspec writes it.
_ESCAPED_OR_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


class _SteadyPattern(GitIgnoreSpecPattern):
    """A pattern whose time grows with the name, not with a power of it for each ``*``.

    What a ``*`` matches that another ``*`` follows in the same name need only be as short as
    possible, once and for all. Otherwise a name made for a rule with six of them would hold up the
    scan for good. No class of characters matches a slash, as in git, and unlike in pathspec.
    """

    @classmethod
    def pattern_to_regex(cls, pattern: Any) -> tuple[Any, bool | None]:
        """Return the regular expression of a rule, and what it says of what it matches."""
        regex, include = super().pattern_to_regex(pattern)
        if regex is None:
            return regex, include
        first, *rest = regex.split(_STAR)
        between = [f"(?>{_STAR}?{part})" if "/" not in part else _STAR + part for part in rest[:-1]]
        steady = first + "".join(between + [_STAR + part for part in rest[-1:]])
        return _without_slashes(steady), include


def _without_slashes(regex: str) -> str:
    """Return a regular expression whose classes do not match a slash."""

    def replaced(found: re.Match[str]) -> str:
        token = found[0]
        return f"(?!/){token}" if token[0] == "[" and token != "[^/]" else token

    return _ESCAPED_OR_CLASS.sub(replaced, regex)


class Rules:
    """Exclude rules, photofind's own and then ``lines``; the last that matches a path decides.

    Parameters
    ----------
    lines
        Rules in gitignore's syntax, one each. They are checked before they are written; what is no
        rule all the same is left out.

    References
    ----------
    The syntax: https://git-scm.com/docs/gitignore#_pattern_format
    """

    def __init__(self, lines: Iterable[str] = ()) -> None:
        lines = tuple(filter(is_rule, lines))
        # The other backends cannot match names that are not UTF-8.
        self._spec = GitIgnoreSpec.from_lines(
            (*DEFAULT_EXCLUDES, *lines), _SteadyPattern, backend="simple"
        )
        self._lines = lines

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rules) and self._lines == other._lines

    def __hash__(self) -> int:
        return hash(self._lines)

    def exclude(self, path: str, *, is_folder: bool) -> bool:
        """Return whether ``path`` is left out, given that the folders above it are not.

        Parameters
        ----------
        path
            Relative to the added folder, with ``/`` between its parts.
        is_folder
            Rules that end in ``/`` hold for folders only; what is in a folder that is left out
            is left out too.
        """
        return self._spec.match_file(f"{path}/" if is_folder else path)
