"""What engines promise whose database is on the other end of a connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionStep
from aiser_app.errors import AiserError, EngineUnavailable, QueryCancelled
from tests.contract.engines.asking import a_statement, assert_safe, rows
from tests.contract.engines.cases import Case, Network


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not become true in time"
        time.sleep(0.02)


class Background:
    """A query in a thread, whose error is kept."""

    def __init__(self, case: Case, sql: str) -> None:
        self.cancel = CancelToken()
        self.error: AiserError | None = None
        self.count = 0
        self._case, self._sql = case, sql
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._case.engine.stream(
                self._case.source,
                a_statement(self._sql),
                timeout_seconds=60,
                cancel=self.cancel,
            ) as stream:
                for batch in stream:
                    self.count += batch.num_rows
        except AiserError as error:
            self.error = error

    def join(self) -> None:
        self._thread.join(timeout=15)
        assert not self._thread.is_alive()


def test_a_cancel_is_seen_in_the_database(case: Case, network: Network) -> None:
    wait_until(lambda: network.running() == 0, 5)
    query = Background(case, case.endless)
    wait_until(lambda: network.running() == 1, 5)
    query.cancel.cancel()
    wait_until(lambda: network.running() == 0, 2)
    query.join()
    assert isinstance(query.error, QueryCancelled)


def test_a_time_limit_is_seen_in_the_database(case: Case, network: Network) -> None:
    with pytest.raises(AiserError):
        rows(case, case.endless, seconds=0.3)
    wait_until(lambda: network.running() == 0, 2)


def test_rows_that_nobody_wants_are_not_computed_on(case: Case, network: Network) -> None:
    with case.engine.stream(
        case.source, a_statement(case.endless_rows), timeout_seconds=30, cancel=CancelToken()
    ) as stream:
        next(iter(stream))
    wait_until(lambda: network.running() == 0, 2)


def test_a_connection_lost_in_the_middle_is_no_end(case: Case, network: Network) -> None:
    query = Background(case, case.endless_rows)
    wait_until(lambda: query.count > 0, 10)
    network.drop()
    query.join()
    assert isinstance(query.error, EngineUnavailable)
    assert_safe(query.error)


def test_connections_lost_while_idle_are_replaced(case: Case, network: Network) -> None:
    assert len(rows(case, "SELECT * FROM people")) == 2
    network.drop()
    assert len(rows(case, "SELECT * FROM people")) == 2


def test_the_steps_of_a_good_connection(case: Case, network: Network) -> None:
    report = case.engine.test(case.source)
    assert [step.step for step in report.steps] == list(ConnectionStep)
    assert not any("may change" in warning for warning in report.warnings)
    assert any("not encrypted" in warning for warning in report.warnings)


def test_a_role_that_may_write_is_warned_of(case: Case, network: Network) -> None:
    report = case.engine.test(network.writer)
    assert report.is_ok
    assert any("may change" in warning for warning in report.warnings)


@pytest.mark.parametrize(
    ("name", "step", "words"),
    [
        ("wrong_password", ConnectionStep.SIGN_IN, "password"),
        ("wrong_port", ConnectionStep.TCP, "Nothing listens on port"),
        ("unknown_host", ConnectionStep.NAME, "not known"),
        ("no_database", ConnectionStep.SIGN_IN, "no database"),
    ],
)
def test_the_step_that_fails_is_named(
    case: Case, network: Network, name: str, step: ConnectionStep, words: str
) -> None:
    source = getattr(network, name)
    report = case.engine.test(source)
    assert report.failed_step is not None
    assert report.failed_step.step is step
    assert words in report.failed_step.message
    assert not report.warnings
    with pytest.raises(EngineUnavailable) as caught:
        rows(case, "SELECT 1", source=source)
    assert_safe(caught.value)
