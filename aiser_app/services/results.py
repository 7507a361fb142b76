"""Rows of results, for whoever asked for them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
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
from aiser_app.query.results import ResultPage, ResultStore

MAX_CONDITIONS = 20
CONDITION_MAX_CHARS = 2_000
_OPERATORS = "|".join(sorted((o.value for o in FilterOperator), key=len, reverse=True))
_FILTER = re.compile(rf"(?P<column>.+?):(?P<operator>{_OPERATORS})(?::(?P<value>.*))?", re.DOTALL)


class Results:
    """A result is private to the user of the run that made it, like the conversation around it."""

    def __init__(self, engine: Engine, store: ResultStore) -> None:
        self._engine = engine
        self._store = store

    def get(self, actor: Actor, result_id: str) -> Result:
        """The envelope. Raises `NotFound`, also for a result of somebody else."""
        require(actor, Permission.CONVERSATIONS_READ)
        result = None
        if is_id(result_id):
            with UnitOfWork(self._engine) as uow:
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
    ) -> ResultPage:
        """As `page`, with sort and filter as clients write them in a URL."""
        result = self.get(actor, result_id)
        return self._store.page(
            result,
            offset=offset,
            limit=limit,
            sort=read_sort(sort, result),
            filters=read_filters(filters),
        )

    def arrow(
        self, actor: Actor, result_id: str, *, offset: int = 0, limit: int | None = None
    ) -> Iterator[bytes]:
        """The rows as an Arrow IPC stream, batch by batch, in their stored order."""
        table = self._store.read_arrow(self.get(actor, result_id))
        return _ipc_stream(table.slice(offset, limit))

    def csv(self, actor: Actor, result_id: str) -> Iterator[bytes]:
        """All rows as CSV; text that a spreadsheet would run as a formula is defused."""
        result = self.get(actor, result_id)
        self._store.read_arrow(result)  # raises here, before the first byte, if the rows are gone
        return iter(self._store.csv_chunks(result))


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


def _ipc_stream(table: pa.Table) -> Iterator[bytes]:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=10_000):
            writer.write_batch(batch)
            yield _taken(sink)
    yield _taken(sink)


def _taken(sink: io.BytesIO) -> bytes:
    content = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return content
