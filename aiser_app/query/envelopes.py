"""What a result says of itself, beyond its rows."""

from __future__ import annotations

from dataclasses import replace

from aiser_app.domain.result import Column, Result
from aiser_app.query.cube import ROUTE, CubeNotUsed, fallback_notes
from aiser_app.query.prepared import Prepared
from aiser_app.query.request import QueryRequest


def titled(column: Column, request: QueryRequest) -> Column:
    """The column with the titles that this request gives, not those of whoever asked first."""
    given = next((item for item in request.columns if item.name == column.name), None)
    return replace(column, title=given.title if given else "", unit=given.unit if given else "")


def rows_read(request: QueryRequest, prepared: Prepared) -> int | None:
    """Rows of the tables in use, as far as the catalog knows them, and a policy hides none."""
    if len(request.sources) > 1 or prepared.policies:
        return None
    if prepared.route == ROUTE and not prepared.tables:
        return None  # Cube read a rollup of its own
    tables = request.main.tables
    counts = [tables[name].row_estimate if name in tables else None for name in prepared.tables]
    return None if None in counts else sum(count for count in counts if count is not None)


def without_cube(result: Result, refused: CubeNotUsed | None) -> Result:
    """Why a source's Cube has not answered, if that is so; a failure of it is told more loudly."""
    if refused is None:
        return result
    why = f"{refused.message} {result.why}".strip()
    return replace(result, why=why, notes=(*result.notes, *fallback_notes(refused)))
