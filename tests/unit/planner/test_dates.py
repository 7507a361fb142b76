"""Dates in questions: both ends included, today only where the words say so."""

from __future__ import annotations

from datetime import date

import pytest

from aiser_app.planner.dates import DateSpan, read_dates, years_possible
from aiser_app.planner.describing import span_words
from aiser_app.planner.words import tokenize

TODAY = date(2026, 3, 31)  # a Tuesday

SPANS = {
    "2013-06-05": ("2013-06-05", "2013-06-05"),
    "2013-06": ("2013-06-01", "2013-06-30"),
    "2013": ("2013-01-01", "2013-12-31"),
    "June 2013": ("2013-06-01", "2013-06-30"),
    "jun 2013": ("2013-06-01", "2013-06-30"),
    "June of 2013": ("2013-06-01", "2013-06-30"),
    "June 5, 2013": ("2013-06-05", "2013-06-05"),
    "5 June 2013": ("2013-06-05", "2013-06-05"),
    "5th of June 2013": ("2013-06-05", "2013-06-05"),
    "February 2024": ("2024-02-01", "2024-02-29"),
    "May 2013": ("2013-05-01", "2013-05-31"),
    "Q2 2013": ("2013-04-01", "2013-06-30"),
    "q4 of 2013": ("2013-10-01", "2013-12-31"),
    "second quarter of 2013": ("2013-04-01", "2013-06-30"),
    "today": ("2026-03-31", "2026-03-31"),
    "yesterday": ("2026-03-30", "2026-03-30"),
    "this week": ("2026-03-30", "2026-04-05"),
    "last week": ("2026-03-23", "2026-03-29"),
    "this month": ("2026-03-01", "2026-03-31"),
    "last month": ("2026-02-01", "2026-02-28"),
    "previous quarter": ("2025-10-01", "2025-12-31"),
    "current quarter": ("2026-01-01", "2026-03-31"),
    "this year": ("2026-01-01", "2026-12-31"),
    "last year": ("2025-01-01", "2025-12-31"),
    "last day": ("2026-03-30", "2026-03-30"),
    "past 30 days": ("2026-03-01", "2026-03-31"),
    "last two weeks": ("2026-03-17", "2026-03-31"),
    "last 3 months": ("2026-01-01", "2026-03-31"),
    "past 1 month": ("2026-03-01", "2026-03-31"),
    "last 2 quarters": ("2025-10-01", "2026-03-31"),
    "last 2 years": ("2024-04-01", "2026-03-31"),
    "between June 2013 and August 2013": ("2013-06-01", "2013-08-31"),
    "from June to August 2013": ("2013-06-01", "2013-08-31"),
    "from 2013-01-05 until 2013-02-01": ("2013-01-05", "2013-02-01"),
    "YTD": ("2026-01-01", "2026-03-31"),
    "quarter to date": ("2026-01-01", "2026-03-31"),
    "H2 2025": ("2025-07-01", "2025-12-31"),
    "first half of 2025": ("2025-01-01", "2025-06-30"),
    "since June 2013": ("2013-06-01", None),
    "after June 2013": ("2013-07-01", None),
    "before 2013-06-05": (None, "2013-06-04"),
    "until 2013": (None, "2013-12-31"),
    "since April": ("2025-04-01", None),
    "since February": ("2026-02-01", None),
}


def first(text: str) -> DateSpan | None:
    tokens = tokenize(text)
    found = read_dates(tokens, 0, TODAY)
    return found[0][1] if found and found[0][0] == len(tokens) else None


@pytest.mark.parametrize("text", SPANS)
def test_span(text: str) -> None:
    span = first(text)
    assert span is not None
    ends = (span.start and span.start.isoformat(), span.end and span.end.isoformat())
    assert ends == SPANS[text]


@pytest.mark.parametrize(
    "text",
    [
        "2013-13-01", "maybe", "may", "march", "last", "last 5", "last 5 carriers", "between 5 and 7",
        "between June and", "since", "first", "first carrier", "this carrier",
        "from August 2013 to June 2013", "last 99999 days", "before", "1899", "H2", "first half", "year to",
    ],
)  # fmt: skip
def test_no_span(text: str) -> None:
    assert first(text) is None


def test_a_month_or_quarter_without_a_year_waits_for_one() -> None:
    june, quarter, day = first("June"), first("Q3"), first("June 5")
    assert june is not None
    assert quarter is not None
    assert day is not None
    assert june.needs_year
    assert june.in_year(2012).end == date(2012, 6, 30)
    assert quarter.in_year(2012).start == date(2012, 7, 1)
    assert day.in_year(2012).start == day.in_year(2012).end == date(2012, 6, 5)


@pytest.mark.parametrize(
    ("low", "high", "years"),
    [
        ("2013-01-01", "2013-12-31", [2013]),
        ("2012-07-01T00:00:00", "2014-05-31", [2013]),
        ("2012-01-01", "2014-12-31", [2014, 2013, 2012]),
        ("2013-07-01", "2013-12-31", []),
        ("", "", [2025]),
    ],
)
def test_years_that_a_month_can_mean(low: str, high: str, years: list[int]) -> None:
    june = first("June")
    assert june is not None
    assert years_possible(june, low, high, TODAY) == years


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (("2013-01-01", "2013-12-31"), "2013"),
        (("2013-06-01", "2013-06-30"), "June 2013"),
        (("2013-06-05", "2013-06-05"), "5 Jun 2013"),
        (("2013-06-01", "2013-08-31"), "1 Jun 2013 \N{EN DASH} 31 Aug 2013"),
    ],
)
def test_spans_in_words(bounds: tuple[str, str], words: str) -> None:
    assert span_words(bounds) == words
