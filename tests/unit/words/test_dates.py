"""Times as people say them, on every day of a year."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from photofind.words.dates import read_time, time_tokens

TODAY = date(2024, 5, 15)  # A Wednesday.
YEAR = [date(2023, 11, 1) + timedelta(days) for days in range(400)]


def spans(text: str, today: date = TODAY, *, southern: bool = False) -> list[str]:
    words = text.split()
    read = read_time(words, today, southern=southern)
    assert read is not None, text
    assert read[0] == len(words), f"{text!r} was read up to {words[: read[0]]}"
    return [f"{first}..{last}" for first, last in read[1].spans] or [*read[1].recurring]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019", "2019-01-01..2019-12-31"),
        ("July 2019", "2019-07-01..2019-07-31"),
        ("im Juli 2019", "2019-07-01..2019-07-31"),
        ("mayo de 2020", "2020-05-01..2020-05-31"),
        ("14 July 2019", "2019-07-14..2019-07-14"),
        ("July 14th, 2019", "2019-07-14..2019-07-14"),
        ("2019-07-14", "2019-07-14..2019-07-14"),
        ("14.7.2019", "2019-07-14..2019-07-14"),
        ("2019-14-07", "2019-07-14..2019-07-14"),
        ("7/14/2019", "2019-07-14..2019-07-14"),
        ("2019年7月14日", "2019-07-14..2019-07-14"),
        ("summer of 2019", "2019-06-01..2019-08-31"),
        ("été 2018", "2018-06-01..2018-08-31"),
        ("christmas 2018", "2018-12-24..2018-12-26"),
        ("easter 2019", "2019-04-19..2019-04-22"),
        ("New Year's Eve 2019", "2019-12-31..2019-12-31"),
        ("the nineties", "1990-01-01..1999-12-31"),
        ("80er", "1980-01-01..1989-12-31"),
        ("between may and june 2020", "2020-05-01..2020-06-30"),
        ("von 2018 bis 2020", "2018-01-01..2020-12-31"),
        ("last summer", "2023-06-01..2023-08-31"),
        ("l'été dernier", "2023-06-01..2023-08-31"),
        ("last winter", "2023-12-01..2024-02-29"),
        ("last christmas", "2023-12-24..2023-12-26"),
        ("last weekend", "2024-05-11..2024-05-12"),
        ("this weekend", "2024-05-18..2024-05-19"),
        ("last monday", "2024-05-13..2024-05-13"),
        ("yesterday", "2024-05-14..2024-05-14"),
        ("last month", "2024-04-01..2024-04-30"),
        ("last 3 days", "2024-05-12..2024-05-15"),
        ("two years ago", "2022-01-01..2022-12-31"),
        ("vor 2 Wochen", "2024-04-29..2024-05-05"),
        ("since 2020", "2020-01-01..2024-12-31"),
    ],
)
def test_a_time_is_the_days_that_are_meant(text: str, expected: str) -> None:
    assert spans(text) == [expected]


def test_what_comes_again_is_of_any_year() -> None:
    assert spans("may") == ["m05"]
    assert spans("July 14") == ["m0714"]
    assert spans("weekend") == ["w6", "w7"]
    assert spans("christmas") == ["m1224", "m1225", "m1226"]
    assert spans("winter") == ["m12", "m01", "m02"]
    assert spans("easter")[0] == "2024-03-29..2024-04-01"
    for text, recurs in (
        ("easter", True),
        ("may", True),
        ("weekend", True),
        ("easter 2019", False),
    ):
        read = read_time(text.split(), TODAY)
        assert read is not None
        assert read[1].is_recurring == recurs, text
    assert spans("between easter and june 2020") == ["2020-04-10..2020-06-30"]
    assert read_time(["since", "thanksgiving"], TODAY) is None


def test_a_winter_is_either_that_touches_the_year() -> None:
    assert spans("winter 2019") == ["2019-01-01..2019-02-28", "2019-12-01..2020-02-29"]


def test_seasons_are_the_other_way_round_in_the_south() -> None:
    assert spans("summer 2019", southern=True) == [
        "2019-01-01..2019-02-28", "2019-12-01..2020-02-29",
    ]  # fmt: skip
    assert spans("winter 2019", southern=True) == ["2019-06-01..2019-08-31"]


@pytest.mark.parametrize(
    "text",
    ["red", "jan", "31 february 2019", "00 july 2019", "0000", "last", "99999 days ago", "",
     "2019-13", "2019-00", "13/2019", "0/2019", "2019-13-32", "2019年13月"],
)  # fmt: skip
def test_other_words_are_no_time(text: str) -> None:
    assert read_time(text.split(), TODAY) is None


@pytest.mark.parametrize("today", YEAR[::9], ids=str)
def test_last_and_this_are_right_on_every_day(today: date) -> None:
    for name in ("summer", "winter", "may", "december", "christmas", "easter", "february"):
        for southern in (False, True):
            read = read_time(["last", name], today, southern=southern)
            assert read is not None
            ((first, last),) = read[1].spans
            assert last < today, "it is over"
            assert (today - first).days <= 366 + 110, "it is the last one"
    for name in ("week", "month", "year"):
        ((_, last),) = read_time(["last", name], today)[1].spans
        ((now, end),) = read_time(["this", name], today)[1].spans
        assert last + timedelta(1) == now <= today <= end
    ((saturday, sunday),) = read_time(["last", "weekend"], today)[1].spans
    assert (saturday.isoweekday(), sunday.isoweekday()) == (6, 7)
    assert 0 < (today - saturday).days < 14
    ((day, _),) = read_time(["last", "friday"], today)[1].spans
    assert day.isoweekday() == 5
    assert 0 < (today - day).days <= 7


def test_a_time_is_covered_by_the_tokens_of_its_days_and_no_others() -> None:
    for text in ("july 2019", "last 40 days", "from 2018 to 2020", "last week", "winter 2019"):
        _, when = read_time(text.split(), date(2019, 8, 9))
        meant = {
            first + timedelta(days)
            for first, last in when.spans
            for days in range((last - first).days + 1)
        }
        wanted = {*when.tokens}
        for days in range(-620, 380):
            day = date(2019, 8, 9) + timedelta(days)
            assert (not wanted.isdisjoint(time_tokens(f"{day}T12:00:00"))) == (day in meant), day


def test_a_moment_has_tokens_as_far_as_it_is_known() -> None:
    assert time_tokens("2019-07-14T10:00:00") == [
        "2019", "201907", "m07", "20190714", "m0714", "w7",
    ]  # fmt: skip
    assert time_tokens("2019") == ["2019"]
    assert time_tokens("0000-13-77") == ["0000", "000013", "m13", "00001377", "m1377"]
    assert time_tokens("") == []
