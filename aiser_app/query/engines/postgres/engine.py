"""The engine `postgres`: sessions from pools, each query watched and in its own transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import adbc_driver_manager as adbc
import psycopg
import pyarrow as pa

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionReport, ConnectionStep
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import Statement
from aiser_app.errors import AiserError, EngineUnavailable
from aiser_app.query.connection import HostRules, Pools, SignedIn, failed_report, test_network
from aiser_app.query.engines.contract import Capabilities, Plan, RowStream, TableSchema
from aiser_app.query.engines.interruption import Watchdog
from aiser_app.query.engines.postgres import rights
from aiser_app.query.engines.postgres.databases import Databases
from aiser_app.query.engines.postgres.errors import as_aiser_error
from aiser_app.query.engines.postgres.parameters import bind, placed
from aiser_app.query.engines.postgres.plan import explain_sql, read_plan
from aiser_app.query.engines.postgres.reaching import (
    Reach,
    catalog_connection,
    libpq_parameters,
    unavailable,
)
from aiser_app.query.engines.postgres.rows import Rows
from aiser_app.query.engines.postgres.schema import columns_named_in, read_schema
from aiser_app.query.engines.postgres.session import (
    WITHOUT_COPY,
    Interrupter,
    Session,
    batches_of,
    open_session,
)

CATALOG_SECONDS = 60.0
"""Time limit of reading the catalog."""
_HINT_SECONDS = 2.0


@dataclass(eq=False, slots=True)
class _Use:
    """A session in use. Only when it is settled another query may have it."""

    session: Session
    watchdog: Watchdog
    is_settled: bool = False


class PostgresEngine:
    """Rows by ADBC as Arrow; the catalog, tests and the second way to cancel by psycopg."""

    name = "postgres"
    dialect = "postgres"
    route = "direct"
    capabilities = Capabilities(
        native_arrow=True,
        cancels_in_database=True,
        explains=True,
        explains_actual=True,
        runs_in_tests=True,
    )

    def __init__(self, unseal: Callable[[str], str], rules: HostRules) -> None:
        """`unseal` opens the sealed URLs of sources; `rules` say which hosts may be reached."""
        self._reach = Reach(unseal=unseal, rules=rules)
        self._databases = Databases()
        self._pools: Pools[Session] = Pools(self._open, Session.close)

    @contextmanager
    def stream(
        self,
        source: DataSource,
        statement: Statement,
        *,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> Iterator[RowStream]:
        with self._using(source, timeout_seconds, cancel) as use:
            rows = Rows(use.session, use.watchdog, self._translating(source, statement))
            try:
                rows.start(statement)
                yield rows
            finally:
                rows.close()
                use.is_settled = rows.is_settled

    def describe(self, source: DataSource) -> tuple[TableSchema, ...]:
        try:
            with catalog_connection(self._reach.parameters(source), CATALOG_SECONDS) as connection:
                return read_schema(connection)
        except psycopg.Error as error:
            raise unavailable(source) from error

    def test(self, source: DataSource) -> ConnectionReport:
        limit = source.settings.connect_timeout_seconds
        rules = self._reach.rules
        try:
            address = self._reach.address(source)
            libpq_parameters(address, (), limit)
        except AiserError as error:
            return failed_report(ConnectionStep.ADDRESS, error)

        def sign_in() -> SignedIn[rights.Connection]:
            places = rules.addresses(address.host, address.port)
            return rights.sign_in(address, libpq_parameters(address, places, limit))

        return test_network(
            address, timeout=limit, rules=rules, sign_in=sign_in, rights=rights.warnings
        )

    def explain(
        self,
        source: DataSource,
        statement: Statement,
        *,
        actual: bool,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> Plan | None:
        with self._using(source, timeout_seconds, cancel) as use:
            try:
                output = _explained(use.session, statement, actual)
            except (adbc.Error, pa.ArrowException, OSError) as error:
                use.watchdog.raise_if_stopped(error)
                raise self._translating(source, statement)(error) from error
            use.is_settled = True
        return read_plan(output, actual=actual)

    def close(self) -> None:
        self._pools.close()
        self._databases.close()

    @contextmanager
    def _using(self, source: DataSource, seconds: float, cancel: CancelToken) -> Iterator[_Use]:
        deadline = time.monotonic() + seconds

        def begin(session: Session) -> None:
            try:
                session.begin(seconds)
            except adbc.Error as error:
                raise unavailable(source) from error

        borrowed = self._pools.borrowed(source, wait_seconds=seconds, cancel=cancel, ready=begin)
        with borrowed as lease:
            session = lease.connection
            left = max(0.001, deadline - time.monotonic())
            watchdog = Watchdog(Interrupter(session), left, cancel)
            use = _Use(session, watchdog)
            try:
                with watchdog:
                    yield use
            finally:
                # An interrupt that is still on its way would hit the next query of the session.
                if use.is_settled and not watchdog.has_stopped:
                    with suppress(adbc.Error):
                        session.end()
                        lease.keep()

    def _open(self, source: DataSource) -> Session:
        try:
            return open_session(self._databases, self._reach.parameters(source))
        except adbc.Error as error:
            raise unavailable(source) from error

    def _translating(
        self, source: DataSource, statement: Statement
    ) -> Callable[[Exception], AiserError]:
        return lambda error: as_aiser_error(error, lambda: self._columns(source, statement))

    def _columns(self, source: DataSource, statement: Statement) -> list[tuple[str, str]]:
        """What an unknown column may have meant; a hint is not worth an error."""
        with suppress(psycopg.Error, EngineUnavailable):
            parameters = self._reach.parameters(source)
            with catalog_connection(parameters, _HINT_SECONDS) as connection:
                return columns_named_in(connection, statement.sql)
        return []


def _explained(session: Session, statement: Statement, actual: bool) -> str:
    sql, values = placed(session, statement)
    with session.statement(explain_sql(sql, actual=actual), **WITHOUT_COPY) as running:
        bind(running, values)
        table = batches_of(running).read_all()
    return "".join(str(text) for text in table.column(0).to_pylist())
