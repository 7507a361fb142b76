"""Rows of results, for whoever asked for them."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.db.identifiers import is_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.permission import Permission
from aiser_app.domain.result import Result
from aiser_app.domain.semantic_query import Filter, FilterOperator, Order
from aiser_app.errors import InvalidInput, NotFound
from aiser_app.query.results import ResultPage, ResultStore, SelectedRows
from aiser_app.query.results.exports import EXPORT_FORMATS, ExportSlots, HeldChunks, export
from aiser_app.query.results.exports.chunk_sink import ChunkSink
from aiser_app.services.run_views import column_view

MAX_CONDITIONS = 20
CONDITION_MAX_CHARS = 2_000
EXTENSIONS = tuple(EXPORT_FORMATS)
"""Formats that `export` knows."""
_ARROW_ROWS = 16_384
_OPERATORS = "|".join(sorted((o.value for o in FilterOperator), key=len, reverse=True))
_FILTER = re.compile(rf"(?P<column>.+?):(?P<operator>{_OPERATORS})(?::(?P<value>.*))?", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class RowFile:
    """Rows on their way out. `row_count` rows are in it; `truncated` says that there were more."""

    name: str
    media_type: str
    row_count: int
    truncated: bool
    chunks: HeldChunks
    """To be closed by whoever takes them, at the end or earlier."""


class Results:
    """A result is private to the user of the run that made it, like the conversation around it."""

    def __init__(self, engine: Engine, store: ResultStore) -> None:
        self._engine = engine
        self._store = store
        self._slots = ExportSlots()

    def get(self, actor: Actor, result_id: str) -> Result:
        """The envelope. Raises `NotFound`, also for a result of somebody else."""
        require(actor, Permission.CONVERSATIONS_READ)
        result = None
        if is_id(result_id):
            with UnitOfWork(self._engine, each_alone=True) as uow:
                result = uow.results.find_of_user(actor.organization_id, actor.user_id, result_id)
        if result is None:
            raise NotFound("There is no such result.")
        return result

    def page(
        self,
        actor: Actor,
        result_id: str,
        *,
        offset: int = 0,
        limit: int = 1_000,
        sort: Sequence[Order] = (),
        filters: Sequence[Filter] = (),
    ) -> ResultPage:
        """Rows after filtering and sorting; values are safe for JSON in every client."""
        result = self.get(actor, result_id)
        return self._store.page(result, offset=offset, limit=limit, sort=sort, filters=filters)

    def page_as_asked(
        self,
        actor: Actor,
        result_id: str,
        *,
        offset: int,
        limit: int,
        sort: Sequence[str],
        filters: Sequence[str],
    ) -> dict[str, Any]:
        """A page with its facts as JSON, sort and filter as clients write them in a URL."""
        result = self.get(actor, result_id)
        page = self._store.page(
            result,
            offset=offset,
            limit=limit,
            sort=read_sort(sort, result),
            filters=read_filters(filters),
        )
        return page_view(result, page, limit=limit)

    def arrow(
        self,
        actor: Actor,
        result_id: str,
        *,
        offset: int,
        limit: int,
        sort: Sequence[str],
        filters: Sequence[str],
    ) -> RowFile:
        """The same rows as `page_as_asked`, as an Arrow IPC stream, batch by batch."""
        result, selected = self._selected(actor, result_id, sort, filters)
        return RowFile(
            name="",
            media_type="application/vnd.apache.arrow.stream",
            row_count=selected.row_count,
            truncated=result.truncated,
            chunks=HeldChunks(_ipc_stream(selected, offset, limit), lambda: None),
        )

    def export(
        self,
        actor: Actor,
        result_id: str,
        extension: str,
        *,
        sort: Sequence[str] = (),
        filters: Sequence[str] = (),
    ) -> RowFile:
        """All rows as a file of one of `EXTENSIONS`; its name says when rows are missing.

        Raises:
            InvalidInput: the format has no room for these rows, or sort and filters make no sense.
            NotFound: there is no such result, or its rows are gone.
            StorageFull: there is no room on the disk for a workbook.
            TooManyAttempts: this process is busy with exports.
        """
        result, selected = self._selected(actor, result_id, sort, filters)
        give_back = self._slots.take(extension)
        try:
            made = export(selected, result, extension)
        except BaseException:
            give_back()
            raise
        part = f"-first-{made.row_count}-rows" if made.is_cut else ""
        return RowFile(
            name=f"aiser-{result_id[:8]}{part}.{extension}",
            media_type=made.format.media_type,
            row_count=made.row_count,
            truncated=made.is_cut,
            chunks=HeldChunks(made.chunks, give_back),
        )

    def _selected(
        self, actor: Actor, result_id: str, sort: Sequence[str], filters: Sequence[str]
    ) -> tuple[Result, SelectedRows]:
        result = self.get(actor, result_id)
        return result, self._store.select(result, read_sort(sort, result), read_filters(filters))


def page_view(result: Result, page: ResultPage, *, limit: int) -> dict[str, Any]:
    """Rows with what belongs to them, as the API shows both."""
    return {
        "result_id": result.result_id,
        "columns": [column_view(column) for column in page.columns],
        "rows": page.rows,
        "offset": page.offset,
        "limit": limit,
        "row_count": page.row_count,
        "truncated": page.truncated,
        "limiting_factor": result.limiting_factor,
        "as_of": result.as_of.isoformat(),
        "from_cache": result.from_cache,
        "sql": result.sql,
    }


def read_sort(texts: Sequence[str], result: Result) -> tuple[Order, ...]:
    """`column` or `-column`, several given one by one or separated by commas."""
    names = {column.name for column in result.columns}
    orders: list[Order] = []
    for text in texts:
        _refuse_long(text)
        parts = [text] if text in names or text.removeprefix("-") in names else text.split(",")
        orders.extend(_order(part.strip(), names) for part in parts if part.strip())
    if len(orders) > MAX_CONDITIONS:
        raise InvalidInput(f"At most {MAX_CONDITIONS} columns to sort by.")
    return tuple(orders)


def _order(text: str, names: set[str]) -> Order:
    if text in names or not text.startswith("-"):
        return Order(member=text)
    return Order(member=text[1:], descending=True)


def read_filters(texts: Sequence[str]) -> tuple[Filter, ...]:
    """`column:operator:value`; several values as a JSON list of text."""
    if len(texts) > MAX_CONDITIONS:
        raise InvalidInput(f"At most {MAX_CONDITIONS} filters.")
    return tuple(_filter(text) for text in texts)


def _filter(text: str) -> Filter:
    _refuse_long(text)
    match = _FILTER.fullmatch(text)
    if match is None:
        raise InvalidInput(
            "A filter is written column:operator:value.",
            hint=f"Operators: {', '.join(o.value for o in FilterOperator)}.",
        )
    value = match["value"]
    return Filter(
        member=match["column"],
        operator=FilterOperator(match["operator"]),
        values=() if value is None else _values(value),
    )


def _values(text: str) -> tuple[str, ...]:
    if not text.startswith("["):
        return (text,)
    try:
        given: Any = json.loads(text)
    except (ValueError, RecursionError):
        return (text,)
    if not isinstance(given, list) or not all(isinstance(v, str | int | float) for v in given):
        raise InvalidInput("The values of a filter are a JSON list of text or numbers.")
    return tuple(str(value) for value in given)


def _refuse_long(text: str) -> None:
    if len(text) > CONDITION_MAX_CHARS:
        raise InvalidInput("A sort or filter is too long.")


def _ipc_stream(selected: SelectedRows, offset: int, limit: int) -> Generator[bytes, None, None]:
    sink = ChunkSink()
    with pa.ipc.new_stream(sink, selected.table.schema) as writer:
        for window in selected.windows(offset, limit, _ARROW_ROWS):
            writer.write_table(window)
            yield sink.take()
    yield sink.take()
