"""Runs the measuring queries of a catalog read, within budgets of time and of statements.

These queries are built here from identifiers of the database's own catalog and never from anything
that a person or a model wrote, so they do not pass the guard. Values that came out of the database
go back to it as bound parameters only.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from sqlglot import exp

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import BoundParameter, ParameterValue, Statement
from aiser_app.errors import QueryCancelled, QueryInvalid, QueryTimedOut
from aiser_app.query.engines.contract import Engine

MAX_QUERY_SECONDS = 10.0


class BudgetSpent(Exception):
    """No time or no statement is left for measuring; what is missing stays unknown."""


def raise_if_cancelled(cancel: CancelToken) -> None:
    """Raises `QueryCancelled`: somebody pressed Stop, or the run's time is up."""
    if cancel.is_set:
        raise QueryCancelled("Reading the catalog was stopped.")


class Probe:
    """One per catalog read."""

    def __init__(
        self,
        engine: Engine,
        source: DataSource,
        *,
        budget_seconds: float,
        max_statements: int | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        """`max_statements` None means as many as there is time for."""
        self._engine = engine
        self._source = source
        self._deadline = time.monotonic() + budget_seconds
        self._allowed = max_statements
        self._cancel = cancel or CancelToken()
        self.statements = 0

    @property
    def dialect(self) -> str:
        return self._engine.dialect

    def allow(self, statements: int) -> None:
        """Let the next part have this many statements."""
        self._allowed = self.statements + statements

    @property
    def is_spent(self) -> bool:
        has_none_left = self._allowed is not None and self.statements >= self._allowed
        return has_none_left or time.monotonic() >= self._deadline

    def rows(
        self, query: exp.Query, parameters: Sequence[BoundParameter] = ()
    ) -> list[tuple[Any, ...]]:
        """All rows of a measuring query.

        Raises:
            BudgetSpent: before or while it ran.
            QueryInvalid: the engine cannot compute it.
            QueryCancelled: somebody pressed Stop.
        """
        raise_if_cancelled(self._cancel)
        left = min(MAX_QUERY_SECONDS, self._deadline - time.monotonic())
        if left <= 0 or (self._allowed is not None and self.statements >= self._allowed):
            raise BudgetSpent
        self.statements += 1
        text = query.sql(dialect=self._engine.dialect)
        try:
            with self._engine.stream(
                self._source,
                Statement(sql=text, parameters=in_order(text, parameters)),
                timeout_seconds=left,
                cancel=self._cancel,
            ) as stream:
                return [row for batch in stream for row in _tuples(batch)]
        except QueryTimedOut as error:
            raise BudgetSpent from error

    def find_rows(
        self, query: exp.Query, parameters: Sequence[BoundParameter] = ()
    ) -> list[tuple[Any, ...]] | None:
        """As `rows`; None when there is no answer in time, or the engine cannot compute it."""
        try:
            return self.rows(query, parameters)
        except (BudgetSpent, QueryInvalid):
            return None

    def find_row(self, query: exp.Query) -> tuple[Any, ...] | None:
        """The first row of `find_rows`."""
        rows = self.find_rows(query)
        return rows[0] if rows else None


def bound(values: Sequence[ParameterValue]) -> list[BoundParameter]:
    """A parameter for each value."""
    return [
        BoundParameter(token=f"p_{secrets.token_hex(12)}", name=f"value_{position}", value=value)
        for position, value in enumerate(values, start=1)
    ]


def place(parameter: BoundParameter) -> exp.Expr:
    """Where the parameter stands in a tree."""
    return exp.var(parameter.token)


def in_order(text: str, parameters: Sequence[BoundParameter]) -> tuple[BoundParameter, ...]:
    return tuple(sorted(parameters, key=lambda parameter: text.index(parameter.token)))


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


def _tuples(batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
    """By position: two columns of a measuring query may have the same name."""
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
