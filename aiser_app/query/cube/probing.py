"""What Cube does not say of its cubes, asked of the SQL that it writes for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.query.cube.client import CubeSql
from aiser_app.query.cube.definitions import plain_table
from aiser_app.query.cube.failures import CubeFailed
from aiser_app.query.cube.model import Known
from aiser_app.query.cube.reading import first_table
from aiser_app.query.guard import references

MAX_PROBES = 500
"""Cubes whose table is asked for; each takes Cube some milliseconds."""
_USUAL_SCHEMAS = frozenset({"public", "main", "dbo"})


def known_of(
    inferred: SemanticModel,
    tables: Collection[str],
    dialect: str,
    schema: str,
    ask: Callable[[Mapping[str, Any]], CubeSql],
) -> Known:
    """`ask` gives Cube's SQL of a query. `tables` are all of the catalog."""
    names = {name.casefold(): name for name in tables}
    schemas = _USUAL_SCHEMAS | {schema.casefold()}
    shown = {cube.table for cube in inferred.cubes}
    probes = 0

    def named(owner: str, table: str) -> str:
        found = names.get(f"{owner}.{table}".casefold()) if owner else None
        if found is None and (not owner or owner.casefold() in schemas):
            found = names.get(table.casefold())
        return found or ""

    def find_table(item: Mapping[str, Any]) -> str:
        nonlocal probes
        written = plain_table(item.get("sql"))
        if written:
            owner, _, table = written.rpartition(".")
            return named(owner, table)
        probe = _probe(item)
        if probe is None or probes >= MAX_PROBES:
            return ""
        probes += 1
        try:
            text, _ = ask(probe).statements[0]
        except CubeFailed:
            return ""
        found = first_table(text, dialect)
        return named(*found) if found is not None else ""

    def reads_hidden(select: str) -> bool:
        read = [named(owner, table) for _, owner, table in references(select, dialect)]
        return not read or any(name not in shown for name in read)

    return Known(
        inferred=inferred,
        find_table=find_table,
        reads_hidden=reads_hidden,
        has_hidden=len(shown) < len(names),
    )


def _probe(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A query of one member that needs no other cube."""
    for part in ("measures", "dimensions"):
        for member in item.get(part, ()):
            if member.get("type") != "time":
                return {part: [member["name"]], "limit": 1}
    return None
