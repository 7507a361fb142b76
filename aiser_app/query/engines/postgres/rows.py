"""Rows of one running query, in batches, with every failure as one of Aiser's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import adbc_driver_manager as adbc
import pyarrow as pa

from aiser_app.domain.verdict import Statement
from aiser_app.errors import AiserError, QueryInvalid
from aiser_app.query.engines.interruption import Watchdog
from aiser_app.query.engines.postgres.columns import (
    Reading,
    converted,
    decided,
    readings,
    wrapped,
)
from aiser_app.query.engines.postgres.parameters import bind, placed
from aiser_app.query.engines.postgres.session import (
    WITH_COPY,
    WITHOUT_COPY,
    Session,
    batches_of,
)

FETCH_ROWS = 10_000
"""Rows of one FETCH of a query with parameters."""
_CURSOR = "aiser_rows"

Translate = Callable[[Exception], AiserError]


class Rows:
    """`is_settled` says whether the session is in order for another query."""

    def __init__(self, session: Session, watchdog: Watchdog, translate: Translate) -> None:
        self._session = session
        self._watchdog = watchdog
        self._translate = translate
        self._open = ExitStack()
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._held: list[pa.RecordBatch] = []
        self._is_running = False
        self.is_settled = False

    def start(self, statement: Statement) -> None:
        """Run the query as far as the columns of its result are known."""
        self._is_running = True
        with self._errors():
            sql, values = placed(self._session, statement)
            plan = readings(self._session.schema(sql))
            if not plan:
                raise QueryInvalid("This is not a query: it returns no columns.")
            text = wrapped(sql, plan)
            self._batches = self._copied(text) if values is None else self._fetched(text, values)
            self._columns: list[Reading] = self._looked_ahead(plan)
            self._schema = pa.schema([column.field for column in self._columns])

    @property
    def schema(self) -> pa.Schema:
        return self._schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while True:
            with self._errors():
                batch = self._held.pop(0) if self._held else next(self._batches, None)
                ready = None if batch is None else converted(batch, self._columns, self._schema)
            if ready is None:
                self._is_running, self.is_settled = False, True
                return
            yield ready

    def close(self) -> None:
        """Let go of the driver's objects; a query whose rows nobody wants any more is stopped."""
        if self._is_running:
            with suppress(adbc.Error):
                self._session.connection.cancel()
        self._batches = iter(())
        with suppress(adbc.Error):
            self._open.close()

    def _looked_ahead(self, plan: list[Reading]) -> list[Reading]:
        """A small result is read to its end first: its decimals then get an exact type."""
        if not any(column.is_open_decimal for column in plan):
            return plan
        first = next(self._batches, None)
        if first is None:
            return plan
        self._held.append(first)
        second = next(self._batches, None)
        if second is None:
            return decided(plan, self._held)
        self._held.append(second)
        return plan

    def _copied(self, text: str) -> Iterator[pa.RecordBatch]:
        """By COPY: streamed, and planned like the query itself."""
        statement = self._open.enter_context(self._session.statement(text, **WITH_COPY))
        return iter(batches_of(statement))

    def _fetched(self, text: str, values: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """By a cursor: COPY takes no parameters, and a plain query would be held in memory whole."""
        declare = f"DECLARE {_CURSOR} NO SCROLL CURSOR FOR {text}"
        with self._session.statement(declare) as statement:
            bind(statement, values)
            statement.execute_update()
        return self._fetches()

    def _fetches(self) -> Iterator[pa.RecordBatch]:
        fetch = f"FETCH FORWARD {FETCH_ROWS} FROM {_CURSOR}"
        count = FETCH_ROWS
        while count == FETCH_ROWS:
            count = 0
            with self._session.statement(fetch, **WITHOUT_COPY) as statement:
                for batch in batches_of(statement):
                    count += batch.num_rows
                    yield batch

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (adbc.Error, pa.ArrowException, OSError) as error:
            self._is_running = False
            self._watchdog.raise_if_stopped(error)
            translated = self._translate(error)
            self.is_settled = isinstance(translated, QueryInvalid)
            raise translated from error
