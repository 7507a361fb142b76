"""One engine for all warehouses; what differs is in their adapters."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionReport, ConnectionStep
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import Statement
from aiser_app.errors import AiserError, EngineUnavailable, InvalidInput, QueryInvalid
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
from aiser_app.query.engines.warehouses.adapter import Adapter, Fetched, Problem, Session, rows
from aiser_app.query.engines.warehouses.errors import as_aiser_error

_CATALOG_SECONDS = 120.0
_UNKNOWN_RIGHTS = (
    "Aiser cannot tell whether the user may write here: give it a role that may only read."
)


@dataclass(eq=False, slots=True)
class _Running:
    """A borrowed session with its watchdog."""

    adapter: Adapter
    session: Session
    watchdog: Watchdog
    is_settled: bool = False

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Every failure becomes one of Aiser's; after a stop it is the stop."""
        try:
            yield
        except (*self.adapter.failures, pa.ArrowException) as error:
            self.watchdog.raise_if_stopped(error)
            found = as_aiser_error(error, self.adapter)
            self.is_settled = isinstance(found, QueryInvalid)  # the session itself is in order
            raise found from error


class WarehouseEngine:
    """Queries of one kind of warehouse, each on a session of its own from a pool."""

    route = "direct"

    def __init__(
        self, adapter: Adapter, unseal: Callable[[str], str], rules: HostRules | None = None
    ) -> None:
        """`unseal` opens a source's `sealed_url`; `rules` say which hosts may be reached."""
        self._adapter = adapter
        self._unseal = unseal
        self._rules = rules or HostRules()
        self._pools: Pools[Session] = Pools(self._open, self._close)

    @property
    def name(self) -> str:
        return self._adapter.name

    @property
    def dialect(self) -> str:
        return self._adapter.dialect

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            native_arrow=self._adapter.native_arrow,
            cancels_in_database=True,
            explains=True,
            explains_actual=False,
            runs_in_tests=False,
        )

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
            with running.errors():
                text = self._adapter.text(statement)
                fetched = running.session.run(text, statement.parameters)
            rows_ = _Rows(running, fetched)
            try:
                yield rows_
            finally:
                running.is_settled = rows_.is_finished

    def describe(self, source: DataSource) -> tuple[TableSchema, ...]:
        address = self._address(source)
        with self._running(source, _CATALOG_SECONDS, CancelToken()) as running, running.errors():
            found = self._adapter.describe(running.session, address)
            running.is_settled = True
            return found

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
            return None
        with self._running(source, timeout_seconds, cancel) as running, running.errors():
            text = self._adapter.text(statement)
            plan = self._adapter.explain(running.session, text, statement.parameters)
            running.is_settled = True
            return plan

    def test(self, source: DataSource) -> ConnectionReport:
        try:
            address = self._address(source)
        except AiserError as error:
            return failed_report(ConnectionStep.ADDRESS, error)
        timeout = _connect_seconds(address, source)
        host, port = self._adapter.server(address)
        return test_network(
            replace(address, host=host, port=port),
            timeout=timeout,
            rules=self._rules,
            sign_in=lambda: self._sign_in(address, timeout),
            rights=lambda _: (_UNKNOWN_RIGHTS,),
        )

    def close(self) -> None:
        """Give back every connection; the engine can be used again afterwards."""
        self._pools.close()

    def _address(self, source: DataSource) -> Address:
        try:
            address = read_address(self._unseal(source.sealed_url))
        except InvalidInput as error:
            raise EngineUnavailable(error.message, hint=error.hint) from error
        if address.engine != self.name:
            raise EngineUnavailable("The connection URL belongs to another kind of database.")
        return address

    def _open(self, source: DataSource) -> Session:
        address = self._address(source)
        try:
            self._rules.check(*self._adapter.server(address))
        except InvalidInput as error:
            raise EngineUnavailable(error.message, hint=error.hint) from error
        try:
            return self._adapter.open(address, _connect_seconds(address, source))
        except self._adapter.failures as error:
            raise _unavailable(error, self._adapter) from error

    def _close(self, session: Session) -> None:
        try:
            session.close()
        except self._adapter.failures:
            return

    def _sign_in(self, address: Address, timeout: float) -> SignedIn[Session]:
        try:
            session = self._adapter.open(address, timeout)
            rows(session, "SELECT 1")
        except self._adapter.failures as error:
            words = _unavailable(error, self._adapter)
            is_tls = self._adapter.problem(error) is Problem.TLS
            step = ConnectionStep.TLS if is_tls else ConnectionStep.SIGN_IN
            raise StepFailed(step, f"{words.message} {words.hint or ''}".strip()) from error
        return SignedIn(
            session=session,
            server_version=session.version,
            is_encrypted=self._adapter.is_encrypted(address),
            close=lambda: self._close(session),
        )

    @contextmanager
    def _running(
        self, source: DataSource, timeout_seconds: float, cancel: CancelToken
    ) -> Iterator[_Running]:
        deadline = time.monotonic() + timeout_seconds
        with self._pools.borrowed(source, wait_seconds=timeout_seconds, cancel=cancel) as lease:
            session = lease.connection
            left = max(0.001, deadline - time.monotonic())
            watchdog = Watchdog(_Canceller(self._adapter, session), left, cancel)
            running = _Running(self._adapter, session, watchdog)
            try:
                with watchdog:
                    yield from self._watched(running, math.ceil(left) + 1)
            finally:
                if running.is_settled:
                    self._settle(lease)

    def _watched(self, running: _Running, limit_seconds: int) -> Iterator[_Running]:
        """What is not read to its end is stopped in the database as well."""
        try:
            with running.errors():
                running.session.begin(limit_seconds)  # the watchdog is exact
            yield running
        finally:
            if not running.is_settled:
                _Canceller(self._adapter, running.session)()

    def _settle(self, lease: Lease[Session]) -> None:
        """Only a session that can end its query properly is used again."""
        try:
            lease.connection.end()
        except self._adapter.failures:
            return
        lease.keep()


class _Canceller:
    """Stops a session's query; asked again and again by a watchdog, never raises."""

    def __init__(self, adapter: Adapter, session: Session) -> None:
        self._adapter = adapter
        self._session = session

    def __call__(self) -> None:
        try:
            self._session.cancel()
        except self._adapter.failures:
            return


class _Rows:
    """The batches of one query."""

    def __init__(self, running: _Running, fetched: Fetched) -> None:
        self._running = running
        self._batches = fetched.batches
        self.schema: pa.Schema = fetched.schema
        self.is_finished = False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while True:
            with self._running.errors():
                batch = next(self._batches, None)
            if batch is None:
                self.is_finished = True
                return
            yield batch


def _unavailable(error: BaseException, adapter: Adapter) -> EngineUnavailable:
    found = as_aiser_error(error, adapter)
    if isinstance(found, EngineUnavailable):
        return found
    return EngineUnavailable("The database refused to sign Aiser in.", hint="Check the source.")


def _connect_seconds(address: Address, source: DataSource) -> float:
    return float(address.parameters.get("connect_timeout", source.settings.connect_timeout_seconds))
