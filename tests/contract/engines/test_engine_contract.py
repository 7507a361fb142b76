"""What every engine promises of rows, errors and stopping, whatever is behind it."""

from __future__ import annotations

import threading
import time

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import (
    AiserError,
    EngineUnavailable,
    QueryCancelled,
    QueryInvalid,
    QueryTimedOut,
)
from tests.contract.engines.asking import a_statement, assert_safe, rows
from tests.contract.engines.cases import Case, narrow


def test_it_says_who_it_is(case: Case) -> None:
    assert case.engine.name == case.source.engine
    assert case.engine.route in ("direct", "duckdb")
    assert case.engine.dialect
    assert case.engine.capabilities.runs_in_tests


def test_rows_arrive_with_a_schema(case: Case) -> None:
    with case.engine.stream(
        case.source,
        a_statement("SELECT id, name, height FROM people ORDER BY id"),
        timeout_seconds=30,
        cancel=CancelToken(),
    ) as stream:
        assert stream.schema.names == ["id", "name", "height"]
        found = [row for batch in stream for row in batch.to_pylist()]
    assert found == [
        {"id": 1, "name": "Ada", "height": 1.65},
        {"id": 2, "name": "Alan", "height": None},
    ]


def test_a_query_without_rows_has_a_schema(case: Case) -> None:
    with case.engine.stream(
        case.source,
        a_statement("SELECT id FROM people WHERE id > 5"),
        timeout_seconds=30,
        cancel=CancelToken(),
    ) as stream:
        assert stream.schema.names == ["id"]
        assert sum(batch.num_rows for batch in stream) == 0


def test_reading_may_stop_early(case: Case) -> None:
    with case.engine.stream(
        case.source, a_statement(case.endless_rows), timeout_seconds=30, cancel=CancelToken()
    ) as stream:
        assert next(iter(stream)).num_rows > 0
    assert len(rows(case, "SELECT * FROM people")) == 2


def test_reading_may_stop_before_it_begins(case: Case) -> None:
    with case.engine.stream(
        case.source, a_statement(case.endless_rows), timeout_seconds=30, cancel=CancelToken()
    ) as stream:
        assert len(stream.schema) == 1
    assert len(rows(case, "SELECT * FROM people")) == 2


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("SELECT nam FROM people", "people.name"),
        ("SELECT p.heigth FROM people AS p", "people.height"),
    ],
)
def test_a_misspelled_column_gets_a_hint(case: Case, sql: str, hint: str) -> None:
    with pytest.raises(QueryInvalid) as caught:
        rows(case, sql)
    assert hint in (caught.value.hint or "")
    assert_safe(caught.value)


def test_an_impossible_query_is_invalid_and_tells_no_secrets(case: Case) -> None:
    for sql in case.impossible:
        with pytest.raises(QueryInvalid) as caught:
            rows(case, sql)
        assert_safe(caught.value)
    assert len(rows(case, "SELECT * FROM people")) == 2


def test_a_write_is_impossible_even_past_the_guard(case: Case) -> None:
    before = case.contents()
    for sql in case.writes:
        with pytest.raises(QueryInvalid) as caught:
            rows(case, sql)
        assert_safe(caught.value)
    assert case.contents() == before
    assert len(rows(case, "SELECT * FROM people")) == 2


def test_a_query_ends_at_its_time_limit(case: Case) -> None:
    for sql in (case.endless, case.endless_rows):
        started = time.monotonic()
        with pytest.raises(QueryTimedOut) as caught:
            rows(case, sql, seconds=0.3)
        assert time.monotonic() - started < 5
        assert_safe(caught.value)
    assert len(rows(case, "SELECT * FROM people")) == 2


def test_a_cancel_ends_a_running_query(case: Case) -> None:
    cancel = CancelToken()
    timer = threading.Timer(0.3, cancel.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(QueryCancelled):
        rows(case, case.endless, cancel=cancel)
    assert time.monotonic() - started < 5
    timer.join()
    assert len(rows(case, "SELECT * FROM people")) == 2


def test_a_deadline_reads_as_a_time_limit(case: Case) -> None:
    cancel = CancelToken()
    timer = threading.Timer(0.2, cancel.cancel, args=("deadline",))
    timer.start()
    with pytest.raises(QueryTimedOut):
        rows(case, case.endless, cancel=cancel)
    timer.join()


def test_a_cancelled_token_starts_nothing(case: Case) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(QueryCancelled):
        rows(case, "SELECT * FROM people", cancel=cancel)


def test_queries_run_side_by_side_and_only_one_is_stopped(case: Case) -> None:
    cancel = CancelToken()
    failures: list[AiserError] = []

    def endless() -> None:
        try:
            rows(case, case.endless, cancel=cancel)
        except AiserError as error:
            failures.append(error)

    thread = threading.Thread(target=endless)
    thread.start()
    assert all(len(rows(case, "SELECT * FROM people")) == 2 for _ in range(5))
    cancel.cancel()
    thread.join(timeout=10)
    assert [type(error) for error in failures] == [QueryCancelled]


def test_no_more_queries_run_at_once_than_the_source_allows(case: Case) -> None:
    if case.engine.route == "duckdb":
        pytest.skip("one connection per file, bounded by its threads")
    source = narrow(case.source, 1)
    with case.engine.stream(
        source, a_statement("SELECT id FROM people"), timeout_seconds=30, cancel=CancelToken()
    ) as stream:
        with pytest.raises(QueryTimedOut) as caught:
            rows(case, "SELECT 1", seconds=0.3, source=source)
        assert "busy" in caught.value.message
        assert sum(batch.num_rows for batch in stream) == 2
    assert len(rows(case, "SELECT * FROM people", source=source)) == 2


def test_a_missing_database_is_unavailable(case: Case) -> None:
    with (
        pytest.raises(EngineUnavailable) as caught,
        case.engine.stream(
            case.missing, a_statement("SELECT 1"), timeout_seconds=5, cancel=CancelToken()
        ),
    ):
        pytest.fail("there is nothing to run on")
    assert_safe(caught.value)
    with pytest.raises(EngineUnavailable):
        case.engine.describe(case.missing)


def test_it_can_be_used_again_after_closing(case: Case) -> None:
    assert len(rows(case, "SELECT * FROM people")) == 2
    case.engine.close()
    assert len(rows(case, "SELECT * FROM people")) == 2
