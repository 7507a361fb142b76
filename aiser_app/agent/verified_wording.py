"""The answer of a verified query in words: what the rows say, and nothing about how it was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NUMBERS = frozenset(("integer", "number", "decimal"))


def told(name: str, content: Mapping[str, Any]) -> tuple[str, str]:
    """Headline and sentence of a result as `query_data` gives it to a model."""
    columns, rows = list(content.get("columns") or ()), list(content.get("rows") or ())
    count = int(content.get("row_count") or 0)
    if not rows:
        return "No rows", f"{name}: no rows match."
    if count == 1:
        return _one_row(name, columns, rows[0])
    at_least = "at least " if content.get("truncated") else ""
    first = _sentence(columns, rows[0])
    return f"{at_least}{count:,} rows", f"{name}: {at_least}{count:,} rows. The first: {first}."


def _one_row(name: str, columns: list[Mapping[str, Any]], row: list[Any]) -> tuple[str, str]:
    figures = [n for n, column in enumerate(columns) if column.get("type") in _NUMBERS]
    at = figures[-1] if figures else len(columns) - 1
    headline = _shown(row[at], columns[at])
    if len(columns) == 1:
        return headline, f"{name}: {headline}."
    return headline, f"{name}: {_sentence(columns, row)}."


def _sentence(columns: list[Mapping[str, Any]], row: list[Any]) -> str:
    return ", ".join(
        f"{column.get('title') or column.get('name')} {_shown(value, column)}"
        for column, value in zip(columns, row, strict=True)
    )


def _shown(value: Any, column: Mapping[str, Any]) -> str:
    unit = str(column.get("unit") or "")
    if value is None:
        return "no value"
    if isinstance(value, bool) or column.get("type") not in _NUMBERS:
        return str(value)
    try:
        number = float(value)
    except ValueError:
        return str(value)
    if number == int(number) and abs(number) < 1e15:
        text = f"{int(number):,}"
    else:
        text = f"{number:,.1f}" if abs(number) >= 10 else f"{number:,.4g}"
    text = text.replace("-", "\N{MINUS SIGN}")
    return f"{text} {unit}" if unit else text
