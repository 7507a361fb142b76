"""Advice from one plan with measured rows: where the planner of the database is wrong about its data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiser_app.domain.recommendation import Recommendation, RecommendationKind

WRONG_BY = 10.0
MIN_ROWS = 1_000.0
"""Below this a wrong estimate costs nothing."""


def advise_on_plan(tree: object, engine: str) -> tuple[Recommendation, ...]:
    """Of PostgreSQL's EXPLAIN (ANALYZE, FORMAT JSON): scans whose estimates are far off."""
    if engine != "postgres":
        return ()
    found: dict[str, Recommendation] = {}
    for node in _nodes(tree):
        table, estimated, actual = node.get("Relation Name"), *_rows(node)
        if not isinstance(table, str) or table in found:
            continue
        high, low = max(estimated, actual), max(1.0, min(estimated, actual))
        if high >= MIN_ROWS and high / low >= WRONG_BY:
            found[table] = Recommendation(
                kind=RecommendationKind.STALE_STATISTICS,
                title=f"Renew the statistics of {table}",
                reason=(
                    "The database expects a very different number of rows than there are, "
                    "and may choose a bad plan for that."
                ),
                evidence=(f"expected {estimated:,.0f} rows, found {actual:,.0f}",),
                statement=f'ANALYZE "{table}"',
                table=table,
            )
    return tuple(found.values())


def _rows(node: dict[str, Any]) -> tuple[float, float]:
    loops = float(node.get("Actual Loops", 1) or 1)
    return float(node.get("Plan Rows", 0)) * loops, float(node.get("Actual Rows", 0)) * loops


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, list):
        for item in tree:
            yield from _nodes(item)
    elif isinstance(tree, dict):
        if "Node Type" in tree:
            yield tree
        for key in ("Plan", "Plans"):
            yield from _nodes(tree.get(key))
