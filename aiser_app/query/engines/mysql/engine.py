"""MySQL and MariaDB: the user's own server, read in a read-only session."""

from __future__ import annotations

import json
import math
import ssl
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
    Lease,
    Pools,
    SignedIn,
    StepFailed,
    failed_report,
    read_address,
    test_network,
)
from aiser_app.query.engines.contract import Capabilities, Plan, RowStream, TableSchema
from aiser_app.query.engines.interruption import Watchdog
from aiser_app.query.engines.mysql.columns import arrow_batch, arrow_schema
from aiser_app.query.engines.mysql.errors import as_aiser_error, connection_error, number_of
from aiser_app.query.engines.mysql.rights import can_read, warnings_of
from aiser_app.query.engines.mysql.schema import columns_of, read_schema, tables_in
from aiser_app.query.engines.mysql.session import FAILURES, Killer, Session, open_session
from aiser_app.query.engines.mysql.survivor import Survivor
from aiser_app.query.engines.mysql.values import bound_text
from aiser_app.query.engines.near import near_columns

BATCH_ROWS = 10_000
BATCH_BYTES = 16 * 1024 * 1024
"""Of a batch's rows on the wire: bounds the memory of wide rows."""

_DESCRIBE_SECONDS = 60.0
_ALL_FAILURES = (*FAILURES, pa.ArrowException)


@dataclass(frozen=True, slots=True)
class _Running:
    """A borrowed session inside its transaction, watched."""

    session: Session
    watchdog: Watchdog
    killer: Killer

    @contextmanager
    def errors(self, sql: str) -> Iterator[None]:
        """Every failure becomes one of Aiser's; after a stop it is the stop."""
        try:
            yield
        except _ALL_FAILURES as error:
            self.watchdog.raise_if_stopped(error)
            raise as_aiser_error(error, lambda name: self._near(name, sql)) from error

    def _near(self, name: str, sql: str) -> str | None:
        try:
            return near_columns(name, columns_of(self.session.rows, tables_in(sql)))
        except FAILURES:
            return None


class MySQLEngine:
    """Keeps a pool of set-up sessions per source."""

    name = "mysql"
    dialect = "mysql"
    route = "direct"
    capabilities = Capabilities(
        native_arrow=False,
        cancels_in_database=True,
        explains=True,
        explains_actual=True,
        runs_in_tests=True,
    )

    def __init__(self, unseal: Callable[[str], str], rules: HostRules | None = None) -> None:
        """`unseal` opens a source's `sealed_url`; `rules` say which hosts may be reached."""
        self._unseal = unseal
        self._rules = rules or HostRules()
        self._pools: Pools[Session] = Pools(self._open, self._close)
        self._survivor = Survivor()

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
            yield _Rows(running, statement)

    def describe(self, source: DataSource) -> tuple[TableSchema, ...]:
        with self._running(source, _DESCRIBE_SECONDS, CancelToken()) as running, running.errors(""):
            return read_schema(running.session.rows)

    def explain(
        self,
        source: DataSource,
        statement: Statement,
        *,
        actual: bool,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> Plan | None:
        with self._running(source, timeout_seconds, cancel) as running:
            session = running.session
            is_text = actual and not session.is_mariadb  # MySQL measures in its own tree of text
            verb = "ANALYZE" if actual and session.is_mariadb else "EXPLAIN"
            form = "ANALYZE" if is_text else "FORMAT=JSON"
            with running.errors(statement.sql):
                found = session.rows(f"{verb} {form} {bound_text(session.wire, statement)}")
        text = "\n".join(str(row[0]) for row in found)
        tree = None if is_text else json.loads(text)
        return Plan(text=text, tree=tree, is_actual=actual)

    def test(self, source: DataSource) -> ConnectionReport:
        try:
            address = read_address(self._unseal(source.sealed_url))
        except AiserError as error:
            return failed_report(ConnectionStep.ADDRESS, error)
        timeout = _connect_seconds(address, source)
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
        self._survivor.close()

    def _address(self, source: DataSource) -> Address:
        try:
            return read_address(self._unseal(source.sealed_url))
        except InvalidInput as error:
            raise EngineUnavailable(error.message, hint=error.hint) from error

    def _open(self, source: DataSource) -> Session:
        address = self._address(source)
        try:
            session = open_session(address, self._rules, _connect_seconds(address, source))
        except InvalidInput as error:
            raise EngineUnavailable(error.message, hint=error.hint) from error
        except FAILURES as error:
            number = number_of(error)
            known = connection_error(number) if number is not None else None
            raise known or EngineUnavailable(
                "The database does not answer.", hint="Check host and port, and that it runs."
            ) from error
        self._survivor.add(id(session), session.thread_id, session.wire.place, address)
        return session

    def _close(self, session: Session) -> None:
        session.close()
        self._survivor.remove(id(session))

    @contextmanager
    def _running(
        self, source: DataSource, timeout_seconds: float, cancel: CancelToken
    ) -> Iterator[_Running]:
        deadline = time.monotonic() + timeout_seconds
        with self._pools.borrowed(source, wait_seconds=timeout_seconds, cancel=cancel) as lease:
            left = max(0.001, deadline - time.monotonic())
            self._begin(lease, source, math.ceil(left) + 1)  # the watchdog is exact
            killer = Killer(lease.connection, self._address(source), self._rules)
            watchdog = Watchdog(killer, max(0.001, deadline - time.monotonic()), cancel)
            try:
                with watchdog:
                    yield _Running(lease.connection, watchdog, killer)
            finally:
                _finish(lease, killer)
                killer.close()

    def _begin(self, lease: Lease[Session], source: DataSource, limit_seconds: float) -> None:
        """Start a transaction; a connection that was lost while idle is replaced."""
        try:
            lease.connection.begin(limit_seconds)
        except FAILURES:
            self._close(lease.connection)
            lease.connection = self._open(source)
            try:
                lease.connection.begin(limit_seconds)
            except FAILURES as error:
                raise as_aiser_error(error, lambda _: None) from error


class _Rows:
    """The rows of one query, in batches that are bounded by rows and by bytes."""

    def __init__(self, running: _Running, statement: Statement) -> None:
        self._running = running
        self._sql = statement.sql
        self._wire = running.session.wire
        with running.errors(self._sql):
            self._fields = self._wire.start(bound_text(self._wire, statement)).fields
            self.schema: pa.Schema = arrow_schema(self._fields)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        is_open = True
        while is_open:
            with self._running.errors(self._sql):
                rows, is_open = self._next_rows()
                batch = arrow_batch(rows, self._fields, self.schema, self._wire.encoding)
            if batch.num_rows:
                yield batch

    def _next_rows(self) -> tuple[list[list[bytes | None]], bool]:
        """Rows of a batch, and whether more may follow."""
        if self._running.killer.has_killed:
            raise ConnectionAbortedError  # thousands of rows may be on the way still
        rows: list[list[bytes | None]] = []
        size = 0
        while len(rows) < BATCH_ROWS and size < BATCH_BYTES:
            row = self._wire.next_row()
            if row is None:
                return rows, False
            rows.append(row)
            size += self._wire.row_bytes
        return rows, True


def _finish(lease: Lease[Session], killer: Killer) -> None:
    """Keep the connection if it is in order; otherwise stop what still runs, and drop it."""
    session = lease.connection
    if not killer.has_killed and not session.wire.is_reading:
        try:
            session.end()
        except FAILURES:
            return
        lease.keep()
        return
    if not killer.has_killed:
        killer()
    session.wire.abandon()


def _connect_seconds(address: Address, source: DataSource) -> float:
    return float(address.parameters.get("connect_timeout", source.settings.connect_timeout_seconds))


def _sign_in(address: Address, rules: HostRules, timeout: float) -> SignedIn[Session]:
    try:
        session = open_session(address, rules, timeout)
    except FAILURES as error:
        cause = getattr(error, "original_exception", error)
        number = number_of(error)
        is_tls = isinstance(cause, ssl.SSLError) or number == 2026
        known = connection_error(2026 if is_tls else number or 0)
        step = ConnectionStep.TLS if is_tls else ConnectionStep.SIGN_IN
        words = known or EngineUnavailable("The database refused to sign Aiser in.")
        raise StepFailed(step, f"{words.message} {words.hint or ''}".strip()) from error
    return SignedIn(
        session=session,
        server_version=session.version,
        is_encrypted=session.wire.is_encrypted,
        close=session.close,
    )


def _rights(session: Session) -> tuple[str, ...]:
    try:
        grants = [str(row[0]) for row in session.rows("SHOW GRANTS")]
    except FAILURES as error:
        raise StepFailed(
            ConnectionStep.RIGHTS, "The database did not tell what the user may do."
        ) from error
    if not can_read(grants):
        raise StepFailed(
            ConnectionStep.RIGHTS, "The user may not read anything: grant it SELECT on something."
        )
    return tuple(warnings_of(grants))
