"""What is wrong with a query over several sources, in words for the person who wrote it."""

from __future__ import annotations

from collections.abc import Iterable

from aiser_app.errors import QueryDenied

MAX_LISTED = 20


def no_such_source(name: str, known: Iterable[str]) -> QueryDenied:
    return QueryDenied(
        f"There is no data source “{name[:80]}” in this query.",
        hint=f"It may use: {_listed(known)}. Write tables as source.table.",
    )


def no_such_table(source: str, name: str, known: Iterable[str]) -> QueryDenied:
    tables = sorted(known)
    near = [table for table in tables if table.rpartition(".")[2].casefold() == name.casefold()]
    if near:
        hint = f"Did you mean {source}.{near[0]}?"
    elif 0 < len(tables) <= MAX_LISTED:
        hint = f"It has: {_listed(tables)}."
    else:
        hint = "Look for its name in the list of tables."
    return QueryDenied(f"There is no table “{name[:80]}” in “{source}”.", hint=hint)


def without_source(name: str, places: list[str]) -> QueryDenied:
    wanted = " or ".join(places[:3]) or "tables as source.table"
    hint = f"Write {wanted}."
    return QueryDenied(f"Say which data source the table “{name[:80]}” is in.", hint=hint)


def ambiguous_name(name: str, places: list[str]) -> QueryDenied:
    return QueryDenied(
        f"“{name[:80]}” can mean {' or '.join(places)}.",
        hint="Give the tables different aliases and use those.",
    )


def no_such_column(column: str, address: str, hint: str | None) -> QueryDenied:
    return QueryDenied(f"There is no column “{column[:80]}” in {address}.", hint=hint)


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    more = f" and {len(found) - MAX_LISTED} more" if len(found) > MAX_LISTED else ""
    return ", ".join(found[:MAX_LISTED]) + more
