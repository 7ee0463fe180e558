"""What is wrong with an exclude rule, before it is written and where it is used."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from functools import lru_cache

from photofind.errors import SettingsError

__all__ = ["MOST_RULES", "check_rules", "fault_of_rule", "is_rule", "quoted"]

LONGEST_RULE = 1000
MOST_RULES = 1000
_SHOWN = 80
# Of `[[a]` and the like, which Python reads as gitignore does so far.
warnings.filterwarnings("ignore", "Possible (nested set|set)", FutureWarning, module=r"pathspec\b")
_NAMED_CLASS = re.compile(r"\[\[[:.=]")


def check_rules(rules: Iterable[str]) -> None:
    """Check rules in gitignore's syntax.

    Raises
    ------
    SettingsError
        One is no rule, or there are too many.
    """
    rules = tuple(rules)
    if len(rules) > MOST_RULES:
        raise SettingsError(
            f"there are {len(rules):,} exclude rules", f"write {MOST_RULES:,} or fewer"
        )
    for rule in rules:
        if (fault := fault_of_rule(rule)) is not None:
            raise SettingsError(
                f"{quoted(rule)} is not an exclude rule: {fault}",
                "rules are written as in a .gitignore file",
            )


@lru_cache(1024)
def fault_of_rule(rule: str) -> str | None:
    """Return what is wrong with a rule; None if nothing is."""
    if len(rule) > LONGEST_RULE:
        return f"it is longer than {LONGEST_RULE:,} characters"
    if _NAMED_CLASS.search(rule):
        return "classes such as [:digit:] are not known; write [0-9]"
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore import GitIgnorePatternError

    try:
        patterns = GitIgnoreSpec.from_lines((rule,), backend="simple").patterns
    except GitIgnorePatternError:
        return "it ends where a name is expected"
    except re.error as error:  # pathspec passes the error of a character class on.
        return error.msg
    if rule.strip() and not rule.startswith("#") and patterns[0].include is None:
        return "a [ has no ]"
    return None


def is_rule(value: object) -> bool:
    """Return whether a value is a rule that can be used."""
    return isinstance(value, str) and fault_of_rule(value) is None


def quoted(value: object) -> str:
    """Return a value as it stands in a message: on one line, cut if it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 4]} ..."
