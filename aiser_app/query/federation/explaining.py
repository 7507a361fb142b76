"""Where the rows of a query over several sources came from, in words."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from aiser_app.query.federation.pulling import PartFacts

_ONE_BY_ONE = 6
"""Parts that are told one by one; more would not be read."""


def explained(parts: Sequence[PartFacts]) -> str:
    """One sentence on the route, then one for each part."""
    sources = list(dict.fromkeys(part.part.source.name for part in parts))
    lines = [
        f"The query reads {_listed(sources)}: DuckDB beside Aiser joined what they sent."
        if len(sources) > 1
        else "DuckDB beside Aiser ran the query over what its tables sent."
    ]
    names = {part.part.name: part.part.address for part in parts}
    lines += [_told(part, names) for part in parts[:_ONE_BY_ONE]]
    if len(parts) > _ONE_BY_ONE:
        rest = parts[_ONE_BY_ONE:]
        lines.append(f"{len(rest)} more tables: {sum(part.rows for part in rest):,} rows.")
    return " ".join(lines)


def _told(pulled: PartFacts, names: dict[str, str]) -> str:
    part = pulled.part
    counts = f"{_counted(pulled.rows, 'row')}, {_counted(pulled.columns, 'column')}"
    known = len(part.table.columns)
    if known > pulled.columns:
        counts += f" of {known}"
    notes = []
    if pulled.is_filtered and part.condition is not None:
        columns = sorted({column.name for column in part.condition.find_all(exp.Column)})
        notes.append(f"filtered there by {_listed(columns)}")
    notes += [
        f"only for the {_counted(count, 'key')} found in {names[origin]}"
        for origin, count in pulled.reduced_by
    ]
    if part.rows is not None:
        notes.append(f"at most {part.rows:,} rows asked for")
    return f"{part.address}: {', '.join([counts, *notes])}."


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
