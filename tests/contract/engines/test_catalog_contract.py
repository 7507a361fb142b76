"""What every engine tells of its tables, of its plans, and of a connection that is tried."""

from __future__ import annotations

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import EngineUnavailable, QueryCancelled, QueryInvalid, QueryTimedOut
from tests.contract.engines.asking import a_statement
from tests.contract.engines.cases import Case


def described(case: Case) -> dict:
    return {table.name: table for table in case.engine.describe(case.source)}


def test_the_catalog_is_described(case: Case) -> None:
    tables = described(case)
    assert set(tables) == case.tables
    assert [(column.name, column.type) for column in tables["people"].columns] == [
        ("id", "integer"),
        ("name", "string"),
        ("height", "number"),
        ("born", "date"),
    ]
    assert all(column.native_type for column in tables["people"].columns)
    assert [column.type for column in tables["visits"].columns] == ["integer", "timestamp"]


def test_keys_indexes_views_and_comments_are_described(case: Case) -> None:
    tables = described(case)
    people, visits = tables["people"], tables["visits"]
    wanted = case.describes
    assert people.primary_key == (("id",) if "primary" in wanted else ())
    link = (("person_id",), "people", ("id",))
    assert visits.foreign_keys == ((link,) if "foreign" in wanted else ())
    if "indexes" in wanted:
        assert ("id",) in people.indexes
        assert ("person_id",) in visits.indexes
    if "comments" in wanted:
        assert people.description == "Who came"
        assert [column.description for column in people.columns] == ["", "", "In metres", ""]
    if "views" in wanted:
        assert [table.name for table in tables.values() if table.is_view] == ["tall"]
        assert "people" in tables["tall"].definition
        assert tables["tall"].definition.lstrip().upper().startswith("SELECT")
    assert not people.definition


def test_a_good_source_passes_the_test(case: Case) -> None:
    report = case.engine.test(case.source)
    assert report.is_ok, report
    assert report.steps
    assert report.server_version


def test_a_missing_source_fails_the_test_with_words(case: Case) -> None:
    report = case.engine.test(case.missing)
    assert report.failed_step is not None
    assert len(report.failed_step.message) > 20
    assert report.failed_step is report.steps[-1]


def test_a_plan_is_explained(case: Case) -> None:
    plan = case.engine.explain(
        case.source,
        a_statement("SELECT * FROM people WHERE id = {}", 1),
        actual=False,
        timeout_seconds=10,
        cancel=CancelToken(),
    )
    assert case.engine.capabilities.explains
    assert plan is not None
    assert not plan.is_actual
    assert "people" in plan.text


def test_an_actual_plan_is_measured(case: Case) -> None:
    plan = case.engine.explain(
        case.source,
        a_statement("SELECT count(*) FROM people"),
        actual=True,
        timeout_seconds=10,
        cancel=CancelToken(),
    )
    if not case.engine.capabilities.explains_actual:
        assert plan is None
        return
    assert plan is not None
    assert plan.is_actual
    assert "time" in plan.text.lower()


def test_explaining_fails_like_a_query(case: Case) -> None:
    cancelled = CancelToken()
    cancelled.cancel()

    def explain(
        sql: str, cancel: CancelToken, *, actual: bool = False, seconds: float = 10
    ) -> None:
        case.engine.explain(
            case.source, a_statement(sql), actual=actual, timeout_seconds=seconds, cancel=cancel
        )

    with pytest.raises(QueryInvalid):
        explain("SELECT nam FROM people", CancelToken())
    with pytest.raises(QueryCancelled):
        explain("SELECT 1", cancelled)
    if case.engine.capabilities.explains_actual:
        with pytest.raises(QueryTimedOut):
            explain(case.endless, CancelToken(), actual=True, seconds=0.3)
    with pytest.raises(EngineUnavailable):
        case.engine.explain(
            case.missing,
            a_statement("SELECT 1"),
            actual=False,
            timeout_seconds=5,
            cancel=CancelToken(),
        )
