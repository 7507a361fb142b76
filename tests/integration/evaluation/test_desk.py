"""How one case is judged, whatever becomes of its run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from aiser_app.agent.answer import Outcome
from aiser_app.agent.loop import AgentLoop
from aiser_app.bootstrap.evaluation import EvaluationOptions, opened
from aiser_app.config import Settings
from aiser_app.domain.data_source import SourceStatus
from aiser_app.domain.evaluation import CaseOutcome, EvaluationCase
from aiser_app.domain.run import RunFailure, RunStatus
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.errors import QueryInvalid, SourcePaused
from aiser_app.evaluation.desk import EvaluationDesk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[EvaluationDesk]:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as shop:
        shop.execute("CREATE TABLE orders (id INTEGER, region VARCHAR, placed DATE)")
        shop.execute(
            "INSERT INTO orders VALUES (1,'EU','2025-11-01'),(2,'EU','2025-12-01'),(3,'US','2025-12-02')"
        )
    settings = Settings(home=tmp_path / "home")
    with opened(
        str(tmp_path / "shop.duckdb"), settings, EvaluationOptions(today=date(2025, 12, 31))
    ) as made:
        yield made


def case(question: str, gold: str = "", **changes: Any) -> EvaluationCase:
    return EvaluationCase(case_id="1", question=question, gold_sql=gold, **changes)


def with_agent(
    desk: EvaluationDesk, run: Callable[..., Outcome], monkeypatch: Any
) -> EvaluationDesk:
    monkeypatch.setattr(AgentLoop, "run", lambda _self, *_: run())
    return desk


def raising(error: Exception) -> Callable[..., Outcome]:
    def run() -> Outcome:
        raise error

    return run


def test_leaders_of_a_ranking_are_right_unless_strict(desk: EvaluationDesk) -> None:
    asked = case(
        "Which region has the most orders?",
        "SELECT region, count(*) FROM orders GROUP BY 1 ORDER BY 2 DESC LIMIT 1",
    )
    found = desk.score(asked)
    assert found.outcome is CaseOutcome.RIGHT
    assert found.note.endswith("(its first rows)")
    assert found.confidence is not None
    assert replace(desk, is_strict=True).score(asked).outcome is CaseOutcome.WRONG


def test_an_answer_to_what_cannot_be_answered_is_wrong(desk: EvaluationDesk) -> None:
    assert desk.score(case("How many orders?")).outcome is CaseOutcome.WRONG
    assert desk.score(case("How many elephants?")).outcome is CaseOutcome.REFUSED


def test_rows_that_were_cut_cannot_be_compared(desk: EvaluationDesk) -> None:
    found = replace(desk, row_limit=1).score(
        case("Number of orders by region", "SELECT region, count(*) FROM orders GROUP BY 1")
    )
    assert found.outcome in (CaseOutcome.WRONG, CaseOutcome.REFUSED, CaseOutcome.ASKED)
    assert not found.outcome.is_answered or "cannot be compared" in found.note


def test_one_of_several_accepted_queries_may_be_broken(desk: EvaluationDesk) -> None:
    found = desk.score(case("How many orders?", "SELECT nope FROM orders; SELECT 3"))
    assert found.outcome is CaseOutcome.RIGHT


def test_semantic_queries_are_accepted_queries(desk: EvaluationDesk) -> None:
    count = SemanticQuery(measures=("orders.count",), today="2020-01-01")
    assert desk.score(case("How many orders?", gold_query=count)).outcome is CaseOutcome.RIGHT
    gone = SemanticQuery(measures=("orders.gone",))
    found = desk.score(case("How many orders?", gold_query=gone, where="x.yaml, line 3"))
    assert found.outcome is CaseOutcome.BROKEN
    assert found.note.startswith("x.yaml, line 3: the accepted query does not run")


def test_what_was_not_answered_has_its_accepted_query_tried_all_the_same(
    desk: EvaluationDesk,
) -> None:
    asked = case("How many elephants?", "SELECT nope FROM orders")
    assert desk.score(asked).outcome is CaseOutcome.BROKEN
    assert desk.score(replace(asked, gold_sql="SELECT 3")).outcome is CaseOutcome.REFUSED


def test_a_literal_query_has_no_alternatives(desk: EvaluationDesk) -> None:
    asked = case("How many orders?", 'SELECT count(*) AS "a;b" FROM orders', is_literal=True)
    assert desk.score(asked).outcome is CaseOutcome.RIGHT


def test_the_day_is_that_of_the_desk(desk: EvaluationDesk) -> None:
    gold = "SELECT count(*) FROM orders WHERE date_trunc('month', placed) = date_trunc('month', CURRENT_DATE)"
    found = desk.score(case("How many orders this month?", gold))
    assert found.outcome is CaseOutcome.RIGHT
    other = replace(desk, today=date(2025, 11, 15))
    assert other.score(case("How many orders this month?", gold)).outcome is CaseOutcome.RIGHT


def test_failures_of_a_case_are_its_outcome(
    desk: EvaluationDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = with_agent(desk, raising(QueryInvalid("No such thing. " + "x" * 400)), monkeypatch)
    found = desk.score(case("How many orders?", "SELECT 3"))
    assert (found.outcome, len(found.note)) == (CaseOutcome.FAILED, 300)
    assert desk.returns_rows("How many orders?") is False
    failed = Outcome(status=RunStatus.FAILED, failure=RunFailure(code="x", message="It broke."))
    with_agent(desk, lambda: failed, monkeypatch)
    assert desk.score(case("How many orders?", "SELECT 3")).note == "It broke."
    with_agent(desk, lambda: Outcome(status=RunStatus.ANSWERED), monkeypatch)
    assert desk.score(case("How many orders?", "SELECT 3")).note == "No answer."


def test_failures_of_the_source_end_it(
    desk: EvaluationDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = replace(
        desk.granted,
        source=replace(desk.granted.source, status=SourceStatus.PAUSED, status_reason="moving"),
    )
    with pytest.raises(SourcePaused):
        replace(desk, granted=paused).score(case("How many orders?", "SELECT 3"))
    desk = with_agent(desk, raising(SourcePaused("Paused.")), monkeypatch)
    with pytest.raises(SourcePaused):
        desk.score(case("How many orders?", "SELECT 3"))
    with pytest.raises(SourcePaused):
        desk.returns_rows("How many orders?")


def test_no_rows_stay_behind(desk: EvaluationDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    kept = type(desk.results).delete

    def delete(self: Any, result_id: str, organization_id: str) -> None:
        kept(self, result_id, organization_id)
        removed.append(result_id)

    monkeypatch.setattr(type(desk.results), "delete", delete)
    assert desk.returns_rows("How many orders?")
    desk.score(case("How many orders?", "SELECT 3"))
    assert len(set(removed)) == 3
