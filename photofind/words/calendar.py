"""What people call times in several languages: months, seasons, holidays, days of the week.

All names are folded (`photofind.words.folding`), as what is typed is. Short forms of months count
only beside a day or a year.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

__all__ = [
    "DAYS",
    "DECADES",
    "FILLERS",
    "HOLIDAYS",
    "LAST",
    "MONTHS",
    "SEASONS",
    "SHORT_MONTHS",
    "THIS",
    "UNITS",
    "WEEKEND",
    "days_of_holiday",
    "listed",
    "numbered",
]


def listed(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


def numbered(*languages: str) -> dict[str, int]:
    """Return words with their place in their list, 1 for the first; "/" stands between synonyms."""
    return {
        name: place
        for words in languages
        for place, names in enumerate(words.split(), start=1)
        for name in names.split("/")
    }


MONTHS = numbered(
    "january february march april may june july august september october november december",
    "januar/janner februar marz/maerz april mai juni juli august september oktober november"
    " dezember",
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre/setiembre octubre noviembre"
    " diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
)
SHORT_MONTHS = numbered(
    "jan feb mar apr may jun jul aug sep/sept oct nov dec",
    "jan feb mrz apr mai jun jul aug sep okt nov dez",
    "janv fev mars avr mai juin juil aout sept oct nov dec",
)
DAYS = numbered(
    "monday tuesday wednesday thursday friday saturday sunday",
    "montag dienstag mittwoch donnerstag freitag samstag/sonnabend sonntag",
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "lunes martes miercoles jueves viernes sabado domingo",
    "lunedi martedi mercoledi giovedi venerdi sabato domenica",
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
)
"""Monday is 1, as in ISO 8601."""

SEASONS = numbered(
    "spring summer autumn/fall winter",
    "fruhling/fruhjahr sommer herbst winter",
    "printemps ete automne hiver",
    "primavera verano otono invierno",
    "primavera estate autunno inverno",
    "lente/voorjaar zomer herfst/najaar winter",
    "primavera verao outono inverno",
    "春/春天 夏/夏天 秋/秋天 冬/冬天",
)
"""The spring of the north is 1."""

HOLIDAYS = {
    name: holiday
    for holiday, names in {
        "christmas": "christmas xmas weihnachten noel navidad natale kerst kerstmis natal",
        "new year": "newyear newyears silvester neujahr nouvelan anonuevo capodanno nieuwjaar",
        "halloween": "halloween",
        "valentine": "valentine valentines valentinstag",
        "easter": "easter ostern paques pascua pasqua pasen pascoa",
        "thanksgiving": "thanksgiving",
    }.items()
    for name in names.split()
}
WEEKEND = listed("weekend weekends wochenende fimdesemana")
DECADES = {
    name: decade
    for decade, names in {
        1950: "fifties funfziger",
        1960: "sixties sechziger",
        1970: "seventies siebziger",
        1980: "eighties achtziger",
        1990: "nineties neunziger",
    }.items()
    for name in names.split()
}
LAST = listed(
    "last past previous letzter letzte letztes letzten letztem vergangenen vergangenes dernier"
    " derniere pasado pasada ultimo ultima scorso scorsa vorige vorig afgelopen passado"
)
THIS = listed(
    "this dieser diese dieses diesen diesem cet cette ce este esta questo questa dit deze"
)
UNITS = {
    name: unit
    for unit, names in {
        "day": "day days tag tage tagen jour jours dia dias giorno giorni dag dagen",
        "week": "week weeks woche wochen semaine semaines semana semanas settimana weken",
        "month": "month months monat monate monaten mois mes meses mese mesi maand maanden",
        "year": "year years jahr jahre jahren an ans annee ano anos anno anni jaar",
    }.items()
    for name in names.split()
}
FILLERS = listed("the of in im on at am der des den de du en le la el da do il")
"""Words that may stand between those of a time: "summer of 2019", "im Juli", "en mayo de 2020"."""


def days_of_holiday(holiday: str, year: int) -> tuple[date, date]:
    """Return the first and the last day of a holiday."""
    match holiday:
        case "christmas":
            return date(year, 12, 24), date(year, 12, 26)
        case "new year":
            # Of 2019: the eve of it, and its first day.
            return date(year - 1, 12, 31), date(year, 1, 1)
        case "halloween":
            return date(year, 10, 31), date(year, 10, 31)
        case "valentine":
            return date(year, 2, 14), date(year, 2, 14)
        case "easter":
            sunday = _easter(year)
            return sunday - timedelta(2), sunday + timedelta(1)
        case _:
            fourth = next(day for day in _days(date(year, 11, 22)) if day.isoweekday() == 4)
            return fourth, fourth + timedelta(3)


def _days(first: date) -> Iterator[date]:
    while True:
        yield first
        first += timedelta(1)


def _easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    el = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * el) // 451
    month, day = divmod(h + el - 7 * m + 114, 31)
    return date(year, month, day + 1)
