"""Columns whose names come close to one that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near_columns(name: str, known: Iterable[tuple[str, str]]) -> str | None:
    """A hint such as `Did you mean people.name?`; `known` are (table, column)."""
    places: dict[str, list[str]] = {}
    for table, column in known:
        places.setdefault(column.casefold(), []).append(f"{table}.{column}")
    wanted = name.rpartition(".")[2].casefold()
    close = difflib.get_close_matches(wanted, places, n=3, cutoff=0.6)
    found = [place for key in close for place in places[key]][:5]
    return f"Did you mean {', '.join(found)}?" if found else None
