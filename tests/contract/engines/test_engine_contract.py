"""What every engine promises, whatever is behind it."""

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
from tests.contract.engines.conftest import Case


def rows(
    case: Case, sql: str, seconds: float = 30, cancel: CancelToken | None = None
) -> list[dict]:
    with case.engine.stream(
        case.source, sql, timeout_seconds=seconds, cancel=cancel or CancelToken()
    ) as stream:
        return [row for batch in stream for row in batch.to_pylist()]


def test_it_says_who_it_is(case: Case) -> None:
    assert case.engine.name == case.source.engine
    assert case.engine.route in ("direct", "duckdb")
    assert case.engine.dialect


def test_rows_arrive_with_a_schema(case: Case) -> None:
    with case.engine.stream(
        case.source,
        "SELECT id, name, height FROM people ORDER BY id",
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
        case.source, "SELECT id FROM people WHERE id > 5", timeout_seconds=30, cancel=CancelToken()
    ) as stream:
        assert stream.schema.names == ["id"]
        assert sum(batch.num_rows for batch in stream) == 0


def test_reading_may_stop_early(case: Case) -> None:
    sql = "SELECT a.id FROM people AS a, people AS b, people AS c"
    with case.engine.stream(case.source, sql, timeout_seconds=30, cancel=CancelToken()) as stream:
        assert next(iter(stream)).num_rows > 0
    assert len(rows(case, sql)) == 8


def test_the_catalog_is_described(case: Case) -> None:
    tables = {table.name: table for table in case.engine.describe(case.source)}
    assert set(tables) == {"people", "visits"}
    people = tables["people"]
    assert [(column.name, column.type) for column in people.columns] == [
        ("id", "integer"),
        ("name", "string"),
        ("height", "number"),
        ("born", "date"),
    ]
    assert people.primary_key == ("id",)
    assert [column.type for column in tables["visits"].columns] == ["integer", "timestamp"]


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


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM nothing_here",
        "SELECT CAST(name AS INTEGER) FROM people",
        "SELECT name, count(*) FROM people",
        "SELECT unheard_of(1)",
        "SELECT 'a' + DATE '2024-01-01' FROM",
        "SELECT sum(name) FROM people",
    ],
)
def test_an_impossible_query_is_invalid_and_tells_no_secrets(case: Case, sql: str) -> None:
    with pytest.raises(QueryInvalid) as caught:
        rows(case, sql)
    assert_safe(caught.value)


def test_a_query_ends_at_its_time_limit(case: Case) -> None:
    started = time.monotonic()
    with pytest.raises(QueryTimedOut) as caught:
        rows(case, case.endless, seconds=0.3)
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


def test_a_missing_database_is_unavailable(case: Case) -> None:
    with (
        pytest.raises(EngineUnavailable) as caught,
        case.engine.stream(case.missing, "SELECT 1", timeout_seconds=5, cancel=CancelToken()),
    ):
        pytest.fail("there is nothing to run on")
    assert_safe(caught.value)
    with pytest.raises(EngineUnavailable):
        case.engine.describe(case.missing)


def assert_safe(error: AiserError) -> None:
    """No paths, no trace, and not longer than a person reads."""
    text = f"{error.message} {error.hint or ''}"
    assert "/" not in text
    assert "duckdb" not in text.lower()
    assert "Traceback" not in text
    assert 5 < len(error.message) < 400
