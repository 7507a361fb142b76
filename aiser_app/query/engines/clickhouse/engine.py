"""ClickHouse: the user's own server, read by requests that may only read."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionReport, ConnectionStep
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import Statement
from aiser_app.errors import AiserError, EngineUnavailable, InvalidInput
from aiser_app.query.connection import (
    Address,
    HostRules,
    Pools,
    SignedIn,
    StepFailed,
    failed_report,
    read_address,
    test_network,
)
from aiser_app.query.engines.clickhouse.errors import as_aiser_error, connection_error, is_tls
from aiser_app.query.engines.clickhouse.rights import can_read, warnings_of
from aiser_app.query.engines.clickhouse.rows import Rows, Tail
from aiser_app.query.engines.clickhouse.schema import columns_in, read_schema
from aiser_app.query.engines.clickhouse.session import (
    FAILURES,
    Session,
    connect_seconds,
    open_session,
    uses_tls,
)
from aiser_app.query.engines.clickhouse.types import Column, wrapped
from aiser_app.query.engines.clickhouse.values import bound
from aiser_app.query.engines.contract import Capabilities, Plan, RowStream, TableSchema
from aiser_app.query.engines.interruption import Watchdog
from aiser_app.query.engines.near import near_columns

_CATALOG_SECONDS = 60.0
_HINT_SECONDS = 5.0
_ALL_FAILURES = (*FAILURES, pa.ArrowException)


@dataclass(eq=False, slots=True)
class _Running:
    """A borrowed session with its watchdog."""

    session: Session
    watchdog: Watchdog
    seconds: float
    tail: Tail | None = None

    @contextmanager
    def errors(self, sql: str) -> Iterator[None]:
        """Every failure becomes one of Aiser's; after a stop it is the stop."""
        try:
            yield
        except _ALL_FAILURES as error:
            self.watchdog.raise_if_stopped(error)
            tail = self.tail.text if self.tail is not None else ""
            raise as_aiser_error(error, tail, lambda name: self._near(name, sql)) from error

    def _near(self, name: str, sql: str) -> str | None:
        try:
            known = columns_in(lambda text: self.session.rows(text, _HINT_SECONDS), sql)
        except FAILURES:
            return None
        return near_columns(name, known)


class ClickHouseEngine:
    """Rows come as Arrow from the server; queries are stopped by KILL QUERY."""

    name = "clickhouse"
    dialect = "clickhouse"
    route = "direct"
    capabilities = Capabilities(
        native_arrow=True,
        cancels_in_database=True,
        explains=True,
        explains_actual=False,
        runs_in_tests=True,
    )

    def __init__(self, unseal: Callable[[str], str], rules: HostRules | None = None) -> None:
        """`unseal` opens a source's `sealed_url`; `rules` say which hosts may be reached."""
        self._unseal = unseal
        self._rules = rules or HostRules()
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
        with self._running(source, timeout_seconds, cancel) as running:
            sql, values = bound(statement)
            session = running.session
            with running.errors(statement.sql):
                described = session.rows(f"DESCRIBE TABLE (\n{sql}\n)", running.seconds, values)
                columns = [Column(str(row[0]), str(row[1])) for row in described]
                response = session.stream(wrapped(sql, columns), running.seconds, values)
            tail = running.tail = Tail(response)
            try:
                yield Rows(tail, columns, lambda: running.errors(statement.sql))
            finally:
                if not tail.is_whole:
                    session.kill()
                tail.close()

    def describe(self, source: DataSource) -> tuple[TableSchema, ...]:
        with (
            self._running(source, _CATALOG_SECONDS, CancelToken()) as running,
            running.errors(""),
        ):
            return read_schema(lambda sql: running.session.rows(sql, _CATALOG_SECONDS))

    def explain(
        self,
        source: DataSource,
        statement: Statement,
        *,
        actual: bool,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> Plan | None:
        if actual:
            return None  # ClickHouse plans without measuring
        with self._running(source, timeout_seconds, cancel) as running:
            sql, values = bound(statement)
            with running.errors(statement.sql):
                asked = running.session.text
                text = asked(f"EXPLAIN indexes = 1 {sql}", running.seconds, values)
                tree = asked(f"EXPLAIN json = 1, indexes = 1 {sql}", running.seconds, values)
        return Plan(text=text.rstrip(), tree=json.loads(tree))

    def test(self, source: DataSource) -> ConnectionReport:
        try:
            address = self._address(source)
        except AiserError as error:
            return failed_report(ConnectionStep.ADDRESS, error)
        timeout = connect_seconds(address, source)
        return test_network(
            address,
            timeout=timeout,
            rules=self._rules,
            sign_in=lambda: _sign_in(address, self._rules, timeout),
            rights=_rights,
        )

    def close(self) -> None:
        """Give back every connection; the engine can be used again afterwards."""
        self._pools.close()

    def _address(self, source: DataSource) -> Address:
        address = read_address(self._unseal(source.sealed_url))
        if address.engine != self.name:
            raise InvalidInput("The connection URL belongs to another kind of database.")
        return address

    def _open(self, source: DataSource) -> Session:
        try:
            address = self._address(source)
            return open_session(address, self._rules, connect_seconds(address, source))
        except InvalidInput as error:
            raise EngineUnavailable(error.message, hint=error.hint) from error
        except FAILURES as error:
            raise connection_error(error) from error

    @contextmanager
    def _running(
        self, source: DataSource, timeout_seconds: float, cancel: CancelToken
    ) -> Iterator[_Running]:
        deadline = time.monotonic() + timeout_seconds
        with self._pools.borrowed(source, wait_seconds=timeout_seconds, cancel=cancel) as lease:
            session = lease.connection
            session.begin()
            left = max(0.001, deadline - time.monotonic())
            watchdog = Watchdog(session.kill, left, cancel)
            with watchdog:
                yield _Running(session, watchdog, seconds=math.ceil(left) + 1)
            lease.keep()


def _sign_in(address: Address, rules: HostRules, timeout: float) -> SignedIn[Session]:
    try:
        session = open_session(address, rules, timeout)
        session.begin()
        session.rows("SELECT 1", timeout)  # in the source's database
    except FAILURES as error:
        words = connection_error(error)
        step = ConnectionStep.TLS if is_tls(error) else ConnectionStep.SIGN_IN
        raise StepFailed(step, f"{words.message} {words.hint or ''}".strip()) from error
    return SignedIn(
        session=session,
        server_version=f"ClickHouse {session.version}",
        is_encrypted=uses_tls(address),
        close=session.close,
    )


def _rights(session: Session) -> tuple[str, ...]:
    try:
        grants = session.text("SHOW GRANTS", _HINT_SECONDS).splitlines()
    except FAILURES as error:
        raise StepFailed(
            ConnectionStep.RIGHTS, "The database did not tell what the user may do."
        ) from error
    if not can_read(grants):
        raise StepFailed(
            ConnectionStep.RIGHTS, "The user may not read anything: grant it SELECT on something."
        )
    return tuple(warnings_of(grants))
