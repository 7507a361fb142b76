"""Runs the measuring queries of a catalog read, within one time budget.

These queries are built here from identifiers of the database's own catalog and never from anything
that a person or a model wrote, so they do not pass the guard.
"""

from __future__ import annotations

import time
from typing import Any

from sqlglot import exp

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.errors import QueryInvalid, QueryTimedOut
from aiser_app.query.engines.contract import Engine

MAX_QUERY_SECONDS = 10.0


class BudgetSpent(Exception):
    """No time is left for measuring; what is missing stays unknown."""


class Probe:
    """One per catalog read."""

    def __init__(self, engine: Engine, source: DataSource, budget_seconds: float) -> None:
        self._engine = engine
        self._source = source
        self._deadline = time.monotonic() + budget_seconds
        self._cancel = CancelToken()

    def rows(self, query: exp.Query) -> list[tuple[Any, ...]]:
        """All rows of a measuring query.

        Raises:
            BudgetSpent: before or while it ran.
        """
        left = min(MAX_QUERY_SECONDS, self._deadline - time.monotonic())
        if left <= 0:
            raise BudgetSpent
        try:
            with self._engine.stream(
                self._source,
                query.sql(dialect=self._engine.dialect),
                timeout_seconds=left,
                cancel=self._cancel,
            ) as stream:
                return [tuple(row.values()) for batch in stream for row in batch.to_pylist()]
        except QueryTimedOut as error:
            raise BudgetSpent from error

    def find_row(self, query: exp.Query) -> tuple[Any, ...] | None:
        """The first row; None when there is no answer in time, or the engine cannot compute it."""
        try:
            rows = self.rows(query)
        except (BudgetSpent, QueryInvalid):
            return None
        return rows[0] if rows else None


def table_expression(name: str) -> exp.Table:
    """A table by its catalog name: `schema.table` outside the default schema."""
    schema, dot, table = name.partition(".")
    if not dot:
        return exp.table_(name, quoted=True)
    return exp.table_(table, db=schema, quoted=True)


def column_expression(name: str, table: str = "") -> exp.Column:
    return exp.column(
        exp.to_identifier(name, quoted=True),
        table=exp.to_identifier(table, quoted=True) if table else None,
    )
