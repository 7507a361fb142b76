"""Dates in questions: points, periods and ranges, with both ends included."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from aiser_app.planner.vocabulary import NUMBER_WORDS
from aiser_app.planner.words import Token

MONTHS = {name.lower(): n for n, name in enumerate(calendar.month_name) if name} | {
    name.lower(): n for n, name in enumerate(calendar.month_abbr) if name
} | {"sept": 9}  # fmt: skip
_AMBIGUOUS_MONTHS = {"may", "march", "mar", "jan", "dec", "sep"}
_ORDINAL = re.compile(r"^(\d{1,2})(st|nd|rd|th)$")
_QUARTERS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
}
_PERIODS = ("day", "week", "month", "quarter", "year")


@dataclass(frozen=True, slots=True)
class DateSpan:
    """First and last day; None leaves that end open. A month or quarter may lack its year."""

    start: date | None
    end: date | None
    text: str
    month: int = 0
    quarter: int = 0
    day: int = 0
    to_month: int = 0
    """Last month of a span of months that lacks its year: "between March and May"."""
    relative: bool = False

    @property
    def needs_year(self) -> bool:
        return bool(self.month or self.quarter)

    def in_year(self, year: int) -> DateSpan:
        """The same span once the year is known."""
        if self.quarter:
            start, end = _quarter(year, self.quarter)
        elif self.day:
            start = end = date(year, self.month, min(self.day, _days(year, self.month)))
        else:
            start, end = _month(year, self.month)[0], _month(year, self.to_month or self.month)[1]
        return replace(self, start=start, end=end, month=0, quarter=0, day=0, to_month=0)


def _days(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _month(year: int, month: int) -> tuple[date, date]:
    return date(year, month, 1), date(year, month, _days(year, month))


def _quarter(year: int, quarter: int) -> tuple[date, date]:
    return date(year, 3 * quarter - 2, 1), _month(year, 3 * quarter)[1]


def read_dates(tokens: tuple[Token, ...], at: int, today: date) -> list[tuple[int, DateSpan]]:
    """Every date expression that starts at this token, as (end, span), longest first."""
    found = [
        hit
        for read in (_between, _bounded, _relative, _point)
        if (hit := read(tokens, at, today)) is not None
    ]
    return sorted(found, key=lambda hit: -hit[0])


def _lower(tokens: tuple[Token, ...], at: int) -> str:
    return tokens[at].lower if 0 <= at < len(tokens) else ""


def _text(tokens: tuple[Token, ...], start: int, end: int) -> str:
    return " ".join(t.text for t in tokens[start:end])


def _year(tokens: tuple[Token, ...], at: int) -> int | None:
    word = _lower(tokens, at)
    return int(word) if re.fullmatch(r"(19|20)\d\d", word) else None


def _day(tokens: tuple[Token, ...], at: int) -> int | None:
    word = _lower(tokens, at)
    match = _ORDINAL.match(word)
    number = match.group(1) if match else word
    return int(number) if re.fullmatch(r"\d{1,2}", number) and 1 <= int(number) <= 31 else None


Found = tuple[int, DateSpan] | None


def _point(tokens: tuple[Token, ...], at: int, today: date) -> Found:
    for read in (
        _iso,
        _to_date,
        _half_words,
        _day_words,
        _quarter_words,
        _month_words,
        _year_words,
    ):
        hit = read(tokens, at, today)
        if hit is not None:
            return hit
    return None


def _iso(tokens: tuple[Token, ...], at: int, today: date) -> Found:
    if tokens[at].kind != "date":
        return None
    parts = [int(p) for p in tokens[at].text.split("-")]
    try:
        start = date(*parts) if len(parts) == 3 else date(parts[0], parts[1], 1)
    except ValueError:
        return None
    end = start if len(parts) == 3 else _month(parts[0], parts[1])[1]
    return at + 1, DateSpan(start, end, tokens[at].text)


def _to_date(tokens: tuple[Token, ...], at: int, today: date) -> Found:
    """As in "YTD", "year to date", "month to date"."""
    word, end = _lower(tokens, at), at + 1
    period = {"ytd": "year", "qtd": "quarter", "mtd": "month"}.get(word, "")
    if word in _PERIODS and [_lower(tokens, at + 1), _lower(tokens, at + 2)] == ["to", "date"]:
        period, end = word, at + 3
    if not period:
        return None
    return end, DateSpan(_current(period, today)[0], today, _text(tokens, at, end), relative=True)


def _half_words(tokens: tuple[Token, ...], at: int, today: date) -> Found:
    """As in "H2 2025", "first half of 2025"; always with its year."""
    word, end = _lower(tokens, at), at + 1
    half = {"h1": 1, "h2": 2}.get(word, 0)
    if word in ("first", "second") and _lower(tokens, end) == "half":
        half, end = (1 if word == "first" else 2), end + 1
    if half and _lower(tokens, end) in ("of", "in"):
        end += 1
    year = _year(tokens, end)
    if not half or year is None:
        return None
    ends = (date(year, 6 * half - 5, 1), _month(year, 6 * half)[1])
    return end + 1, DateSpan(*ends, _text(tokens, at, end + 1))


def _day_words(tokens: tuple[Token, ...], at: int, today: date) -> Found:
    days = {"today": 0, "yesterday": 1}
    word = _lower(tokens, at)
    if word not in days:
        return None
    day = today - timedelta(days=days[word])
    return at + 1, DateSpan(day, day, word, relative=True)


def _quarter_words(tokens: tuple[Token, ...], at: int, today: date) -> Found:
    word, end = _lower(tokens, at), at + 1
    quarter = int(word[1]) if re.fullmatch(r"q[1-4]", word) else _QUARTERS.get(word, 0)
    if not quarter:
        return None
    if word in _QUARTERS:
        if _lower(tokens, end) != "quarter":
            return None
        end += 1
    if _lower(tokens, end) in ("of", "in") and _year(tokens, end + 1):
        end += 1
    year = _year(tokens, end)
    if year is None:
        return end, DateSpan(None, None, _text(tokens, at, end), quarter=quarter)
    return end + 1, DateSpan(*_quarter(year, quarter), _text(tokens, at, end + 1))


def _month_words(tokens: tuple[Token, ...], at: int, today: date) -> Found:
    start, day = at, None
    if _day(tokens, at) is not None and _lower(tokens, at + 1) in (*MONTHS, "of"):
        day = _day(tokens, at)
        at += 2 if _lower(tokens, at + 1) == "of" else 1
    word = _lower(tokens, at)
    if word not in MONTHS or (word in _AMBIGUOUS_MONTHS and not _month_like(tokens, at, day)):
        return None
    end = at + 1
    if day is None and _day(tokens, end) is not None and _year(tokens, end) is None:
        day, end = _day(tokens, end), end + 1
    if _lower(tokens, end) in (",", "of", "in") and _year(tokens, end + 1):
        end += 1
    year = _year(tokens, end)
    span = DateSpan(None, None, _text(tokens, start, end), month=MONTHS[word], day=day or 0)
    if year is None:
        return end, span
    return end + 1, replace(span.in_year(year), text=_text(tokens, start, end + 1))


def _month_like(tokens: tuple[Token, ...], at: int, day: int | None) -> bool:
    """`may`, `march` and short forms need a capital, a preposition, a day or a year beside them."""
    before = _lower(tokens, at - 1) in ("in", "of", "during", "for", "since", "until", "and", "to")
    after = _year(tokens, at + 1) is not None or _day(tokens, at + 1) is not None
    return day is not None or before or after or tokens[at].text[0].isupper()


def _year_words(tokens: tuple[Token, ...], at: int, today: date) -> Found:
    year = _year(tokens, at)
    if year is None:
        return None
    return at + 1, DateSpan(date(year, 1, 1), date(year, 12, 31), str(year))


def _relative(tokens: tuple[Token, ...], at: int, today: date) -> Found:
    start = at
    if _lower(tokens, at) in ("the", "in", "during", "over", "within") and _lower(
        tokens, at + 1
    ) in ("last", "past", "previous", "this", "current", "the"):
        return None
    word = _lower(tokens, at)
    if word in ("this", "current") and tokens[at + 1 : at + 2]:
        period = tokens[at + 1].stem
        if period in _PERIODS:
            begin, end = _current(period, today)
            return at + 2, DateSpan(begin, end, _text(tokens, start, at + 2), relative=True)
    if word not in ("last", "past", "previous"):
        return None
    count_word = _lower(tokens, at + 1)
    count = int(count_word) if count_word.isdigit() else NUMBER_WORDS.get(count_word, 0)
    period_at = at + 2 if count else at + 1
    period = tokens[period_at].stem if period_at < len(tokens) else ""
    if period not in _PERIODS or count > 10_000:
        return None
    text = _text(tokens, start, period_at + 1)
    if not count:
        begin, end = _current(period, _current(period, today)[0] - timedelta(days=1))
        return period_at + 1, DateSpan(begin, end, text, relative=True)
    return period_at + 1, DateSpan(_back(today, count, period), today, text, relative=True)


def _current(period: str, day: date) -> tuple[date, date]:
    if period == "day":
        return day, day
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    if period == "month":
        return _month(day.year, day.month)
    if period == "quarter":
        return _quarter(day.year, (day.month + 2) // 3)
    return date(day.year, 1, 1), date(day.year, 12, 31)


def _back(today: date, count: int, period: str) -> date:
    """First day of a window of `count` periods before today, that day and today included."""
    if period in ("day", "week"):
        return today - timedelta(days=count * (7 if period == "week" else 1))
    months = count * {"month": 1, "quarter": 3, "year": 12}[period]
    total = max(today.year * 12 + today.month - 1 - months, 12)
    year, month = total // 12, total % 12 + 1
    return date(year, month, min(today.day, _days(year, month))) + timedelta(days=1)


def _between(tokens: tuple[Token, ...], at: int, today: date) -> Found:
    joiner = {"between": ("and",), "from": ("to", "until", "through")}.get(_lower(tokens, at), ())
    first = _point(tokens, at + 1, today) if joiner and at + 1 < len(tokens) else None
    if first is None or _lower(tokens, first[0]) not in joiner or first[0] + 1 >= len(tokens):
        return None
    second = _point(tokens, first[0] + 1, today)
    if second is None:
        return None
    begin, finish = first[1], second[1]
    text = _text(tokens, at, second[0])
    if 0 < begin.month <= finish.month and not (begin.day or finish.day):
        return second[0], DateSpan(None, None, text, month=begin.month, to_month=finish.month)
    if begin.needs_year and finish.end is not None:
        begin = begin.in_year(finish.end.year)
    if begin.start is None or finish.end is None or begin.start > finish.end:
        return None
    return second[0], DateSpan(begin.start, finish.end, text)


def _bounded(tokens: tuple[Token, ...], at: int, today: date) -> Found:
    word = _lower(tokens, at)
    if word not in ("since", "after", "before", "until") or at + 1 >= len(tokens):
        return None
    hit = _point(tokens, at + 1, today)
    if hit is None:
        return None
    end, span = hit
    if span.needs_year:
        span = _latest_past(span, today)
    if span.start is None or span.end is None:
        return None
    text = _text(tokens, at, end)
    ends = {
        "since": (span.start, None),
        "after": (span.end + timedelta(days=1), None),
        "before": (None, span.start - timedelta(days=1)),
        "until": (None, span.end),
    }[word]
    return end, DateSpan(*ends, text, relative=span.relative)


def _latest_past(span: DateSpan, today: date) -> DateSpan:
    this_year = span.in_year(today.year)
    started = this_year.start is not None and this_year.start <= today
    return this_year if started else span.in_year(today.year - 1)


def years_possible(span: DateSpan, minimum: str, maximum: str, today: date) -> list[int]:
    """Years in which a month or quarter without a year can lie: those the data has, latest first."""
    try:
        first, last = date.fromisoformat(minimum[:10]), date.fromisoformat(maximum[:10])
    except ValueError:
        latest = _latest_past(span, today)
        return [latest.start.year] if latest.start else []
    years = []
    for year in range(last.year, first.year - 1, -1):
        candidate = span.in_year(year)
        if candidate.start and candidate.end and candidate.start <= last and candidate.end >= first:
            years.append(year)
    return years


def overlaps(span: DateSpan, minimum: str, maximum: str) -> bool:
    """False only when the known range of the data lies wholly outside the span."""
    try:
        first, last = date.fromisoformat(minimum[:10]), date.fromisoformat(maximum[:10])
    except ValueError:
        return True
    return (span.start is None or span.start <= last) and (span.end is None or span.end >= first)
