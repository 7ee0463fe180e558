"""Printing of names and parsing of dates."""

from __future__ import annotations

import click
import pytest

from photofind.cli.parameters import date
from photofind.system.terminal import shown


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Küste 海岸 🏖.jpg", "Küste 海岸 🏖.jpg"),
        ("👨‍👩‍👧.jpg", "👨‍👩‍👧.jpg"),
        ("Screenshot at 9.41\u202fAM.png", "Screenshot at 9.41\u202fAM.png"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\udcff.jpg", "\\udcff.jpg"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("\u202a\u202b\u202c\u202d", "\\u202a\\u202b\\u202c\\u202d"),
        ("\u2066\u2067\u2068\u2069", "\\u2066\\u2067\\u2068\\u2069"),
        ("\u200e\u200f\u061c", "\\u200e\\u200f\\u061c"),
        ("over\rwritten\x7f\x9b31m", "over\\rwritten\\x7f\\x9b31m"),
    ],
)
def test_only_control_characters_are_escaped(text: str, seen: str) -> None:
    assert shown(text) == seen


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        ("2021", "2021"),
        ("2021-5", "2021-05"),
        ("2021-05-03", "2021-05-03"),
        ("2021-05-03 14:30", "2021-05-03T14:30"),
        ("2021-05-03T14:30:01", "2021-05-03T14:30:01"),
    ],
)
def test_a_date_is_as_precise_as_it_was_typed(typed: str, parsed: str) -> None:
    assert date(typed) == parsed


@pytest.mark.parametrize("typed", ["", "soon", "21", "2021-13", "2021-02-30", "2021-05-03T25:00"])
def test_invalid_dates_are_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a date"):
        date(typed)
