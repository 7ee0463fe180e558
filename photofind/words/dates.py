"""Times as people say them: "july 2019", "last summer", "christmas", "weekend", "two years ago".

A small grammar over the names in `photofind.words.calendar`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from photofind.words import calendar
from photofind.words.folding import tokens

__all__ = ["Span", "When", "read_time", "time_tokens"]

Span = tuple[date, date]
"""The first and the last day."""

EARLIEST = 1826
"""The year of the first photo there is."""

MOST_TOKENS = 400


@dataclass(frozen=True)
class When:
    """Some time: spans of days, or what recurs each year or each week.

    Parameters
    ----------
    spans
        Of days; together they are the time.
    recurring
        Tokens (:func:`time_tokens`) of what recurs: a month, a day of a month, a day of the week.
    is_movable
        Whether the spans are those of what recurs on other days each year, as Easter does.
    """

    spans: tuple[Span, ...] = ()
    recurring: tuple[str, ...] = ()
    is_movable: bool = False

    @property
    def is_recurring(self) -> bool:
        """Whether it comes again and again, so that nothing is before or after it."""
        return bool(self.recurring) or self.is_movable

    @property
    def tokens(self) -> list[str]:
        """The tokens of which a photo of that time has one at least."""
        found = [*self.recurring]
        for first, last in self.spans:
            found += _covering(first, last)
        return found[:MOST_TOKENS]


def time_tokens(moment: str) -> list[str]:
    """Return the tokens of a moment, ISO 8601 and as precise as it is known.

    They stand for its year, month and day, for the month and day of any year, and for the day of
    the week: "2019", "201907", "20190714", "m07", "m0714", "w7".
    """
    found = re.match(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", moment)
    if found is None:
        return []
    year, month, day = found.groups()
    told = [year]
    if month:
        told += [year + month, f"m{month}"]
    if day:
        told += [year + month + day, f"m{month}{day}"]
        try:
            told.append(f"w{date(int(year), int(month), int(day)).isoweekday()}")
        except ValueError:
            return told
    return told


def read_time(
    words: Sequence[str], today: date, *, southern: bool = False
) -> tuple[int, When] | None:
    """Read the longest time that some words begin with.

    Parameters
    ----------
    words
        As they were typed.
    today
        By which "last summer" is told.
    southern
        Whether summer is in January.

    Returns
    -------
    tuple of int and When, or None
        How many words it has, and the time; None where they begin with none.
    """
    return _Reader(words, today, southern=southern).read(0)


_Read = tuple[int, When] | None
_DATES = (
    # 2019-07-14, 2019/7, 2019.07.14
    (re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?"), (0, 1, 2)),
    # 14.7.2019, 14/07/2019; 7/14/2019, where it can be nothing else
    (re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})"), (2, 1, 0)),
    # 7/2019
    (re.compile(r"(\d{1,2})[-/.](\d{4})"), (1, 0, None)),
    (re.compile(r"(\d{4})年(?:(\d{1,2})月(?:(\d{1,2})日)?)?"), (0, 1, 2)),
)
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er)?")
_DECADE = re.compile(r"((?:19|20)?\d0)(?:s|er|ern)")
_NUMBERS = calendar.numbered(
    "a/an/one/ein/einem/einer/un/une/una two/zwei/deux/dos/due three/drei/trois/tres/tre"
    " four/vier/quatre/cuatro/quattro five/funf/cinq/cinco/cinque six/sechs seven/sieben"
    " eight/acht nine/neun ten/zehn"
)
_AGO = calendar.listed("vor hace")
_BETWEEN = {"between": "and", "zwischen": "und", "entre": "et y e", "tra": "e", "from": "to until",
            "von": "bis", "vom": "bis zum", "de": "a", "du": "au"}  # fmt: skip
_SINCE = calendar.listed("since after seit nach depuis apres desde despues dal dopo")
_BEFORE = calendar.listed("before vor avant antes prima")
_UNTIL = calendar.listed("until till bis hasta fino")
_ELIDED = re.compile("^[ldLD]['’]")
_TODAY = {"today": 0, "heute": 0, "aujourdhui": 0, "hoy": 0, "oggi": 0, "今天": 0,
          "yesterday": 1, "gestern": 1, "hier": 1, "ayer": 1, "ieri": 1, "昨天": 1}  # fmt: skip


class _Reader:
    def __init__(self, words: Sequence[str], today: date, *, southern: bool) -> None:
        self._raw = [word.strip(",;") for word in words]
        self._plain = ["".join(tokens(_ELIDED.sub("", word))) for word in words]
        self._today = today
        self._southern = southern

    def read(self, at: int) -> _Read:
        ways: tuple[Callable[[int], _Read], ...] = (
            self._between, self._open, self._relative, self._ago, self._point,
        )  # fmt: skip
        found = [read for way in ways if (read := way(at)) is not None]
        return max(found, key=lambda one: one[0], default=None)

    def _word(self, at: int) -> str:
        return self._plain[at] if at < len(self._plain) else ""

    # Spans between two times, or open on one side.

    def _between(self, at: int) -> _Read:
        end = _BETWEEN.get(self._word(at))
        first = self._point(at + 1) if end else None
        if not end or first is None:
            return None
        middle = first[0] + (self._word(first[0]) in end.split())
        last = self._point(middle) if middle > first[0] else None
        if last is None or last[1].is_recurring:
            return None
        when = first[1]
        if when.is_recurring:  # "between may and june 2020": both are of that year.
            year = str(last[1].spans[0][0].year)
            words = [*self._raw[at + 1 : first[0]], year]
            again = _Reader(words, self._today, southern=self._southern).read(0)
            if again is None or again[1].is_recurring:
                return None
            when = again[1]
        span = when.spans[0][0], last[1].spans[-1][1]
        return (last[0], When((span,))) if span[0] <= span[1] else None

    def _open(self, at: int) -> _Read:
        word = self._word(at)
        if word not in _SINCE | _BEFORE | _UNTIL:
            return None
        read = self._point(at + 1) or self._relative(at + 1)
        if read is None or read[1].is_recurring:
            return None
        first, last = read[1].spans[0][0], read[1].spans[-1][1]
        if word in _SINCE:
            return read[0], When(((first, date(self._today.year, 12, 31)),))
        end = first - timedelta(1) if word in _BEFORE else last
        return read[0], When(((date(EARLIEST, 1, 1), end),))

    # "last summer", "this week", "last 3 days", "two years ago", "vor 2 Wochen".

    def _relative(self, at: int) -> _Read:
        back = _TODAY.get(self._word(at))
        if back is not None:
            day = self._today - timedelta(back)
            return at + 1, When(((day, day),))
        while self._word(at) in calendar.FILLERS:
            at += 1
        word = self._word(at)
        if (thing := self._thing(at)) is not None and self._word(thing[0]) in calendar.LAST:
            return thing[0] + 1, When((self._nearest(thing[1], is_last=True),))
        if word not in calendar.LAST | calendar.THIS:
            return None
        is_last = word in calendar.LAST
        name = self._word(at + 1)
        number = self._number(at + 1)
        if is_last and number and (unit := calendar.UNITS.get(self._word(at + 2))):
            return at + 3, When(((_ago(self._today, number, unit)[0], self._today),))
        if unit := calendar.UNITS.get(name):
            span = _unit_of(_ago(self._today, int(is_last), unit)[0], unit)
            return at + 2, When((span,))
        if name in calendar.WEEKEND:
            return at + 2, When((self._weekend(is_last=is_last),))
        if name in calendar.DAYS:
            back = (self._today.isoweekday() - calendar.DAYS[name]) % 7
            day = self._today - timedelta(back or (7 if is_last else 0))
            return at + 2, When(((day, day),))
        if (thing := self._thing(at + 1)) is not None:
            end, of_year = thing
            return end, When((self._nearest(of_year, is_last=is_last),))
        return None

    def _weekend(self, *, is_last: bool) -> Span:
        saturday = self._today + timedelta(6 - self._today.isoweekday())
        if self._today.isoweekday() == 7:
            saturday = self._today - timedelta(1)
        saturday -= timedelta(7 * is_last)
        return saturday, saturday + timedelta(1)

    def _nearest(self, of_year: Callable[[int], Span], *, is_last: bool) -> Span:
        """Return the last one that is over, or the one of this year."""
        years = range(self._today.year + 1, self._today.year - 3, -1)
        spans = [of_year(year) for year in years]
        if is_last:
            return next(span for span in spans if span[1] < self._today)
        now = [span for span in spans if span[0] <= self._today <= span[1]]
        return next(iter(now), of_year(self._today.year))

    def _ago(self, at: int) -> _Read:
        before = self._word(at) in _AGO
        number = self._number(at + before)
        unit = calendar.UNITS.get(self._word(at + before + 1))
        if not number or unit is None:
            return None
        if not before and self._word(at + 2) != "ago":
            return None
        return at + 3, When((_ago(self._today, number, unit),))

    def _number(self, at: int) -> int | None:
        word = self._word(at)
        number = int(word) if word.isascii() and word.isdigit() else _NUMBERS.get(word)
        return number if number and number <= 999 else None

    # One time: "july 2019", "14 july", "christmas 2018", "the nineties", "weekend".

    def _point(self, at: int) -> _Read:
        while self._word(at) in calendar.FILLERS and at + 1 < len(self._plain):
            at += 1
        for way in (self._numeric, self._day, self._named, self._decade):
            if (read := way(at)) is not None:
                return read
        return None

    def _numeric(self, at: int) -> _Read:
        raw = self._raw[at] if at < len(self._raw) else ""
        for pattern, places in _DATES:
            if (found := pattern.fullmatch(raw)) is not None:
                year, month, day = (
                    int(found[place + 1]) if place is not None and found[place + 1] else None
                    for place in places
                )
                span = _span(year, month, day)
                if span is None and day is not None:
                    span = _span(year, day, month)
                return (at + 1, When((span,))) if span else None
        if (year := self._year(at)) is None:
            return None
        # "2019 july"
        name = self._word(at + 1)
        month = calendar.MONTHS.get(name) or calendar.SHORT_MONTHS.get(name)
        span = _span(year, month, None)
        return (at + 1 + (month is not None), When((span,))) if span else None

    def _day(self, at: int) -> _Read:
        """Read "14 july 2019", "july 14th, 2019", both with the year or without."""
        for day_at, month_at in ((at, at + 1), (at + 1, at)):
            found = _DAY.fullmatch(self._word(day_at))
            while day_at < month_at and self._word(month_at) in calendar.FILLERS:
                month_at += 1
            name = self._word(month_at)
            month = calendar.MONTHS.get(name) or calendar.SHORT_MONTHS.get(name)
            if found is None or month is None or not 1 <= int(found[1]) <= 31:
                continue
            end = max(day_at, month_at) + 1
            day = int(found[1])
            year_at = self._past_fillers(end)
            if (year := self._year(year_at)) is not None:
                span = _span(year, month, day)
                return (year_at + 1, When((span,))) if span else None
            return end, When(recurring=(f"m{month:02}{day:02}",))
        return None

    def _named(self, at: int) -> _Read:
        word = self._word(at)
        if (thing := self._thing(at)) is not None:
            end, of_year = thing
            year_at = self._past_fillers(end)
            if (year := self._year(year_at)) is not None:
                spans = [of_year(year)]
                if calendar.SEASONS.get(word) == (2 if self._southern else 4):
                    spans.insert(0, (date(year, 1, 1), of_year(year - 1)[1]))
                return year_at + 1, When(tuple(spans))
            if word in calendar.SHORT_MONTHS and word not in calendar.MONTHS:
                return None
            return end, self._recurring(word, of_year)
        if word in calendar.WEEKEND:
            return at + 1, When(recurring=("w6", "w7"))
        if word in calendar.DAYS:
            return at + 1, When(recurring=(f"w{calendar.DAYS[word]}",))
        return None

    def _recurring(self, word: str, of_year: Callable[[int], Span]) -> When:
        if word in calendar.MONTHS:
            return When(recurring=(f"m{calendar.MONTHS[word]:02}",))
        if word in calendar.SEASONS:
            months = ((of_year(2001)[0].month + n - 1) % 12 + 1 for n in range(3))
            return When(recurring=tuple(f"m{month:02}" for month in months))
        begin, end = of_year(2001)
        if (begin, end) == tuple(day.replace(year=day.year - 1) for day in of_year(2002)):
            days = (begin + timedelta(n) for n in range((end - begin).days + 1))
            return When(recurring=tuple(f"m{day:%m%d}" for day in days))
        years = range(self._today.year, self._today.year - 40, -1)
        return When(tuple(of_year(year) for year in years), is_movable=True)

    def _thing(self, at: int) -> tuple[int, Callable[[int], Span]] | None:
        """Read what is once in a year: a month, a season, a holiday."""
        word = self._word(at)
        if month := calendar.MONTHS.get(word) or calendar.SHORT_MONTHS.get(word):
            return at + 1, lambda year: _month_span(year, month, 1)
        if season := calendar.SEASONS.get(word):
            first = 3 * season + (6 if self._southern else 0)
            return at + 1, lambda year: _month_span(
                year, (first - 1) % 12 + 1 if season < 4 or self._southern else 12, 3
            )
        for end, name in ((at + 2, word + self._word(at + 1)), (at + 1, word)):
            if end <= len(self._plain) and (holiday := calendar.HOLIDAYS.get(name)):
                after = self._word(end)
                if holiday == "new year" and after == "eve":
                    return end + 1, lambda year: (date(year, 12, 31), date(year, 12, 31))
                end += after in ("eve", "day", "days", "time")
                return end, lambda year: calendar.days_of_holiday(holiday, year)
        return None

    def _decade(self, at: int) -> _Read:
        word = self._word(at)
        decade = calendar.DECADES.get(word)
        if decade is None and (found := _DECADE.fullmatch(word)):
            number = int(found[1])
            decade = number if number >= 1900 else number + (1900 if number > 20 else 2000)
        if decade is None:
            return None
        return at + 1, When(((date(decade, 1, 1), date(decade + 9, 12, 31)),))

    def _year(self, at: int) -> int | None:
        word = self._word(at)
        is_year = len(word) == 4 and word.isascii() and word.isdigit()
        year = int(word) if is_year else 0
        return year if EARLIEST <= year <= self._today.year + 10 else None

    def _past_fillers(self, at: int) -> int:
        return at + (self._word(at) in calendar.FILLERS)


def _span(year: int | None, month: int | None, day: int | None) -> Span | None:
    """Return the days of a year, a month or a day; None where there is no such."""
    try:
        if year is None or not EARLIEST <= year <= 9000:
            return None
        if month is None:
            return date(year, 1, 1), date(year, 12, 31)
        if day is None:
            return _month_span(year, month, 1)
        return date(year, month, day), date(year, month, day)
    except ValueError:
        return None


def _month_span(year: int, month: int, months: int) -> Span:
    """Return the days of some months, which may reach into the next year."""
    after = year * 12 + month - 1 + months
    return date(year, month, 1), date(after // 12, after % 12 + 1, 1) - timedelta(1)


def _ago(today: date, number: int, unit: str) -> Span:
    """Return the day, week, month or year that is so many before today's."""
    if unit in ("day", "week"):
        back = min(number * (1 if unit == "day" else 7), 300_000)
        return _unit_of(today - timedelta(back), unit)
    months = today.year * 12 + today.month - 1 - number * (1 if unit == "month" else 12)
    return _unit_of(date(max(months // 12, 1), months % 12 + 1, 1), unit)


def _unit_of(day: date, unit: str) -> Span:
    """Return the day, week, month or year that holds a day."""
    if unit == "day":
        return day, day
    if unit == "week":
        monday = day - timedelta(day.isoweekday() - 1)
        return monday, monday + timedelta(6)
    if unit == "month":
        return _month_span(day.year, day.month, 1)
    return date(day.year, 1, 1), date(day.year, 12, 31)


def _covering(first: date, last: date) -> Iterator[str]:
    """Yield the tokens of years, months and days that make up a span."""
    while first <= last:
        if (first.month, first.day) == (1, 1) and date(first.year, 12, 31) <= last:
            yield f"{first:%Y}"
            first = date(first.year + 1, 1, 1)
        elif first.day == 1 and (end := _month_span(first.year, first.month, 1)[1]) <= last:
            yield f"{first:%Y%m}"
            first = end + timedelta(1)
        else:
            yield f"{first:%Y%m%d}"
            first += timedelta(1)
