"""Plans as engines write them, read for what they say of scans and joins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """A table that is read whole. `line` is the plan's own word for it."""

    table: str
    rows: float | None
    line: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Explosion:
    """A join that makes many more rows than either side has."""

    rows: float
    largest_input: float
    line: str


_POSTGRES_NODE = re.compile(
    r"^(?P<indent>\s*)(?:->\s+)?(?P<what>[A-Z][^(]*?)\s+\(cost=[\d.]+\.\.[\d.]+ rows=(?P<rows>\d+)"
)
_POSTGRES_SCAN = re.compile(r"(?:Parallel )?Seq Scan on (?P<table>\S+)")
_POSTGRES_JOIN = re.compile(r"Nested Loop|Hash (?:\w+ )*Join|Merge (?:\w+ )*Join")
_SQLITE_SCAN = re.compile(r"^\W*SCAN (?P<table>\S+)(?! USING)", re.MULTILINE)
EXPLOSION_FACTOR = 10.0
EXPLOSION_ROWS = 100_000.0
"""Fewer rows than this are no matter, whatever the factor."""


def scans(plan: str, engine: str) -> tuple[Scan, ...]:
    """Full scans that a stored plan tells of; empty where the plan cannot be read."""
    readers = {"postgres": _postgres_scans, "mysql": _mysql_scans, "sqlite": _sqlite_scans}
    reader = readers.get(engine)
    return tuple(reader(plan)) if reader and plan else ()


def explosions(plan: str, engine: str) -> tuple[Explosion, ...]:
    """Joins whose estimated rows are a multiple of what goes in; of PostgreSQL only."""
    if engine != "postgres" or not plan:
        return ()
    return tuple(_postgres_explosions(plan))


def _postgres_nodes(plan: str) -> list[tuple[int, str, float, str]]:
    """(indent, what, rows, line) of every node."""
    nodes = []
    for line in plan.splitlines():
        match = _POSTGRES_NODE.match(line)
        if match:
            indent = len(match["indent"])
            nodes.append((indent, match["what"], float(match["rows"]), line.strip(" ->")))
    return nodes


def _postgres_scans(plan: str) -> Iterator[Scan]:
    for _, what, rows, line in _postgres_nodes(plan):
        match = _POSTGRES_SCAN.match(what)
        if match:
            yield Scan(table=match["table"].strip('"'), rows=rows, line=line)


def _postgres_explosions(plan: str) -> Iterator[Explosion]:
    nodes = _postgres_nodes(plan)
    for position, (indent, what, rows, line) in enumerate(nodes):
        if not _POSTGRES_JOIN.match(what):
            continue
        below = []
        for deeper, _, inner, _ in nodes[position + 1 :]:
            if deeper <= indent:
                break
            below.append(inner)
        largest = max(below, default=0.0)
        if rows >= EXPLOSION_ROWS and rows > largest * EXPLOSION_FACTOR:
            yield Explosion(rows=rows, largest_input=largest, line=line)


def _mysql_scans(plan: str) -> Iterator[Scan]:
    try:
        tree = json.loads(plan)
    except ValueError:
        return
    for node in _objects(tree):
        if node.get("access_type") == "ALL" and isinstance(node.get("table_name"), str):
            rows = node.get("rows_examined_per_scan", node.get("rows"))
            yield Scan(
                table=node["table_name"],
                rows=float(rows) if isinstance(rows, int | float) else None,
                line=f"access_type ALL on {node['table_name']}",
            )


def _sqlite_scans(plan: str) -> Iterator[Scan]:
    for match in _SQLITE_SCAN.finditer(plan):
        if "USING" not in plan[match.end() :].partition("\n")[0]:
            yield Scan(table=match["table"].strip('"'), rows=None, line=match[0].strip())


def _objects(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _objects(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _objects(value)
