"""Numbers, durations and kinds as the chat page writes them (design system, sections 5 and 7)."""

from __future__ import annotations

from datetime import datetime

from aiser_app.domain.result import Result

HIGH, MEDIUM = 0.90, 0.75
"""Confidence bands; below MEDIUM Aiser asks instead of answering."""

ENGINE_NAMES = {"duckdb": "DuckDB", "cube": "Cube"}


def grouped(number: int) -> str:
    """An integer with thousands separators and a real minus."""
    return f"{number:,}".replace("-", "\u2212")


def duration(milliseconds: float) -> str:
    """Time of work: `84 ms`, `6.4 s`, `2 m 05 s`."""
    if milliseconds < 1_000:
        return f"{max(1, round(milliseconds))} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} m {seconds:02d} s"


def day(iso: str) -> str:
    """A day as people write it: `31 Dec 2013`."""
    moment = datetime.fromisoformat(iso)
    return f"{moment.day} {moment:%b %Y}"


def confidence_level(score: float) -> str:
    """`high`, `medium` or `low`."""
    return "high" if score >= HIGH else "medium" if score >= MEDIUM else "low"


def route(result: Result) -> str:
    """The route and the engine, such as `direct, DuckDB`, or one word when they are the same."""
    engine = ENGINE_NAMES.get(result.engine, result.engine)
    return engine if result.route == result.engine else f"{result.route}, {engine}"


def rows_returned(result: Result) -> str:
    """Never says `all shown` unless it is so."""
    if result.truncated:
        return f"{grouped(result.row_count)}, cut at the limit"
    return f"{grouped(result.row_count)}, all shown"
