"""Numbers, units and dates as people read them (en-US)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiser_app.domain.semantic_query import Granularity
from aiser_app.planner.describing import day_words

MINUS = "\N{MINUS SIGN}"
_CURRENCIES = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "$": "$", "€": "€", "£": "£"}
EMPTY = "(empty)"


def to_number(value: Any) -> float | int | None:
    """The number behind a JSON value; decimals and large integers travel as text."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    try:
        text = str(value)
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return None


def format_number(value: Any, unit: str = "") -> str:
    """As in "336,776", "12.6 min", "$12.40", minus signs; one decimal unless the figure is below 1."""
    number = to_number(value)
    if number is None:
        return "no value" if value is None else str(value)
    sign = MINUS if number < 0 else ""
    size = abs(number)
    currency = _CURRENCIES.get(unit)
    if currency:
        return f"{sign}{currency}{size:,.2f}" if size < 1000 else f"{sign}{currency}{size:,.0f}"
    text = _plain(size)
    if unit == "%":
        return f"{sign}{size:,.1f}%"
    return f"{sign}{text} {unit}".strip()


def _plain(size: float | int) -> str:
    if isinstance(size, int):
        return f"{size:,}"
    if size == 0:
        return "0"
    if size < 1:
        return f"{size:.3g}" if size >= 0.0001 else f"{size:.1e}"
    return f"{size:,.1f}"


def format_moment(value: Any, granularity: Granularity | None) -> str:
    """As in "June 2013", "Q2 2013", "week of 3 Jun 2013"."""
    if value is None:
        return EMPTY
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return str(value)
    if granularity is Granularity.YEAR:
        return str(moment.year)
    if granularity is Granularity.QUARTER:
        return f"Q{(moment.month + 2) // 3} {moment.year}"
    if granularity is Granularity.MONTH:
        return f"{moment:%B} {moment.year}"
    day = day_words(moment.date())
    if granularity is Granularity.WEEK:
        return f"week of {day}"
    return f"{day} {moment:%H:%M}" if granularity is Granularity.HOUR else day


def format_label(value: Any) -> str:
    """A name or code from the data; an empty one says so."""
    if value is None or value == "":
        return EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
