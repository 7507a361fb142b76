"""Which part of a join is worth reading first, so that another one needs to bring fewer rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiser_app.query.federation.plan import Part, Reduction
from aiser_app.query.federation.pushdown import KeysOf

WORTH = 4.0
"""The part that is read first must be this many times smaller than the one that waits for it."""
MOST = 2
"""Columns of one part that are reduced."""
UNKNOWN_ROWS = 1_000_000.0
UNKNOWN_ROWS_HERE = 100_000.0
"""Of data that Aiser keeps, which is quick to read as well."""
FILTERED = 0.05
"""What a condition leaves of a table, for want of better knowledge."""

_KINDS = ("integer", "string", "date")
"""Types whose values can be written into a query of any database and mean the same there."""


def chosen(
    part: Part, keys: Sequence[tuple[KeysOf, str]], parts: Mapping[str, Part]
) -> tuple[Reduction, ...]:
    """Reductions of `part` by smaller ones; `keys` come with the name of their origin's part.

    Every reduction leads from a smaller part to a larger one, so parts never wait in a circle.
    """
    masked = {mask.column.casefold() for mask in part.source.policies.masks}
    found: list[Reduction] = []
    for fact, name in sorted(keys, key=lambda item: expected_rows(parts[item[1]])):
        origin = parts[name]
        kind = _kind(part, fact.column)
        is_usable = kind in _KINDS and kind == _kind(origin, fact.origin_column)
        is_smaller = expected_rows(origin) * WORTH <= expected_rows(part)
        is_masked = fact.column in masked
        if is_usable and is_smaller and not is_masked and part.rows is None:
            found.append(
                Reduction(
                    column=_spelled(part, fact.column),
                    origin=name,
                    origin_column=_spelled(origin, fact.origin_column),
                )
            )
    return tuple(dict.fromkeys(found))[:MOST]


def expected_rows(part: Part) -> float:
    known = part.table.row_estimate
    if known is not None:
        rows = float(known)
    else:
        rows = UNKNOWN_ROWS_HERE if part.source.source.is_kept_here else UNKNOWN_ROWS
    return max(1.0, rows * (FILTERED if part.condition is not None else 1.0))


def _kind(part: Part, column: str) -> str:
    return part.table.column_types.get(_spelled(part, column), "")


def _spelled(part: Part, column: str) -> str:
    return next((name for name in part.table.columns if name.casefold() == column), column)
