"""Runs and values as clients get them; sort and filter as clients write them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiser_app.api.schemas import RunView
from aiser_app.domain.answer import Answer, Chip, Confidence, ReasoningStep
from aiser_app.domain.chart import Chart, ChartKind, ChartSpec
from aiser_app.domain.result import Column, Result
from aiser_app.domain.run import EventKind, Run, RunStatus
from aiser_app.domain.semantic_query import FilterOperator, Order, SemanticQuery
from aiser_app.errors import InvalidInput
from aiser_app.services.results import read_filters, read_sort
from aiser_app.services.run_views import ending_of, event_view, run_view
from aiser_app.services.wire_values import wire_value

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

RUN = Run(
    run_id="r",
    organization_id="o",
    user_id="u",
    conversation_id="c",
    turn_id="t",
    source_id="s",
    question="How many?",
    status=RunStatus.QUEUED,
    attempts=0,
    created_at=AT,
    deadline_at=AT,
)
RESULT = Result(
    result_id="x",
    organization_id="o",
    source_id="s",
    columns=(Column(name="a", type="integer"), Column(name="b,c", type="string")),
    row_count=1,
    truncated=True,
    limit=1,
    as_of=AT,
    duration_ms=1,
    engine="duckdb",
    route="duckdb",
    why="",
    sql="SELECT 1",
    tables=(),
    claims_hash="",
)


def test_values_that_clients_read_alike() -> None:
    assert wire_value(
        {
            "a": [2**53, 2**53 + 1, -(2**63), True, None],
            "b": (Decimal("1.10"), float("nan"), float("inf"), 1.5),
            3: date(2026, 1, 2),
            "at": AT,
            "bytes": b"x",
        }
    ) == {
        "a": [2**53, str(2**53 + 1), str(-(2**63)), True, None],
        "b": ["1.10", None, None, 1.5],
        "3": "2026-01-02",
        "at": "2026-01-02T03:04:05+00:00",
        "bytes": "b'x'",
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_every_value_becomes_strict_json(value: object) -> None:
    json.dumps(wire_value(value), allow_nan=False)


def test_an_open_run_has_every_field() -> None:
    view = run_view(RUN, source=None, result=None, rows=[])
    RunView.model_validate(view)
    assert (view["status"], view["rows"], view["sql"], view["chart"]) == ("queued", [], None, None)
    assert "clarification" not in view
    assert "error" not in view


def test_a_finished_run_has_all_of_its_answer() -> None:
    answer = Answer(
        text="42",
        headline="42",
        chart=Chart(
            spec=ChartSpec(kind=ChartKind.BAR, title="T"), option={"series": [{"data": [2**60]}]}
        ),
        semantic_query=SemanticQuery(measures=("flights.count",)),
        chips=(Chip(key="show", value="count"),),
        steps=(ReasoningStep(kind="deductive", claim="c", how="h"),),
        confidence=Confidence(score=0.8),
        follow_ups=("And then?",),
        usage={"tokens": 0},
    )
    run = replace(RUN, status=RunStatus.ANSWERED, answer=answer, finished_at=AT)
    view = run_view(run, source=None, result=RESULT, rows=[[2**60, "x"]])
    RunView.model_validate(view)
    assert view["chart"] == {"kind": "bar", "option": {"series": [{"data": [str(2**60)]}]}}
    assert view["rows"] == [[str(2**60), "x"]]
    assert view["truncated"] is True
    assert view["steps"][0]["claim"] == "c"
    assert view["semantic_query"]["measures"] == ["flights.count"]
    assert view["duration_ms"] == 0
    json.dumps(view, allow_nan=False)


def test_only_finished_runs_have_an_ending() -> None:
    assert ending_of(RUN, 1) is None
    ended = ending_of(replace(RUN, status=RunStatus.CANCELLED, finished_at=AT), 7)
    assert ended is not None
    assert event_view(ended) == {
        "run_id": "r",
        "seq": 7,
        "kind": EventKind.CANCELLED.value,
        "payload": {},
        "at": "2026-01-02T03:04:05+00:00",
    }


def test_sort() -> None:
    assert read_sort(["-a", "b,c"], RESULT) == (
        Order(member="a", descending=True),
        Order(member="b,c"),
    )
    assert read_sort(["a,-b,c"], RESULT) == (
        Order(member="a"),
        Order(member="b", descending=True),
        Order(member="c"),
    )
    assert read_sort(["", " , "], RESULT) == ()
    minus = replace(RESULT, columns=(Column(name="-a", type="integer"),))
    assert read_sort(["-a"], minus) == (Order(member="-a"),)
    with pytest.raises(InvalidInput):
        read_sort(["a," * 30], RESULT)
    with pytest.raises(InvalidInput):
        read_sort(["x" * 3000], RESULT)


def test_filters() -> None:
    (filter_,) = read_filters(["a:b:equals:x:y"])
    assert (filter_.member, filter_.operator, filter_.values) == (
        "a:b",
        FilterOperator.EQUALS,
        ("x:y",),
    )
    (filter_,) = read_filters(['a:notEquals:["x", 2]'])
    assert filter_.values == ("x", "2")
    (filter_,) = read_filters(["a:notSet"])
    assert (filter_.operator, filter_.values) == (FilterOperator.NOT_SET, ())
    (filter_,) = read_filters(["a:equals:"])
    assert filter_.values == ("",)
    (filter_,) = read_filters(["a:equals:[not json"])
    assert filter_.values == ("[not json",)
    (filter_,) = read_filters(["a:equals:" + "[" * 1900])
    assert len(filter_.values) == 1
    for wrong in ("a", "a:", ":equals:x", "a:like:x", "a:equals:[[1]]", "a:equals:[null]"):
        with pytest.raises(InvalidInput):
            read_filters([wrong])
