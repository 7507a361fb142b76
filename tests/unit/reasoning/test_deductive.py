"""Steps of the proof: each says what was concluded, how, and from what."""

from __future__ import annotations

from datetime import UTC, datetime

from aiser_app.domain.answer import Chip
from aiser_app.domain.result import Column, Result
from aiser_app.domain.semantic_model import Cube, Join, SemanticModel
from aiser_app.domain.semantic_query import DimensionRef, Filter, FilterOperator, SemanticQuery
from aiser_app.reasoning.deductive import (
    guard_step,
    join_step,
    reading_step,
    result_step,
    used_joins,
)

AIRLINES = Join(target="airlines", columns=(("carrier", "carrier"),), score=0.91)
ORIGIN = Join(
    target="airports", columns=(("origin", "faa"),), role="origin", score=1.0, source="declared"
)
DEST = Join(target="airports", columns=(("dest", "faa"),), role="dest", score=0.9)
MODEL = SemanticModel(
    source_id="s",
    version=4,
    cubes=(
        Cube(name="flights", table="flights", title="Flights", joins=(AIRLINES, ORIGIN, DEST)),
        Cube(name="airlines", table="airlines", title="Airlines"),
        Cube(name="airports", table="airports", title="Airports"),
    ),
)


def result(**changes: object) -> Result:
    facts: dict[str, object] = {
        "result_id": "0123456789abcdef",
        "organization_id": "o",
        "source_id": "s",
        "columns": (Column(name="count", type="integer"),),
        "row_count": 16,
        "truncated": False,
        "limit": 1000,
        "as_of": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        "duration_ms": 12.4,
        "engine": "duckdb",
        "route": "duckdb",
        "why": "",
        "sql": "SELECT 1",
        "tables": ("flights", "airlines"),
        "claims_hash": "",
        "rows_read": 336_792,
    }
    return Result(**{**facts, **changes})  # type: ignore[arg-type]


def test_the_reading_names_words_and_members() -> None:
    step = reading_step(
        (Chip(key="show", value="Flights"), Chip(key="by", value="carrier")),
        (
            {"text": "carrier", "member": "flights.carrier", "how": "name", "score": 1.0},
            {"text": "flights", "member": "flights.count", "how": "synonym", "score": 0.8},
        ),
        MODEL,
    )
    assert step is not None
    assert step.claim == "Read as: show Flights, by carrier"
    assert "“carrier” is flights.carrier (name)" in step.how
    assert step.evidence == "semantic model, version 4"
    assert step.confidence == 0.8


def test_words_may_be_linked_without_a_query() -> None:
    bound = ({"text": "delay", "member": "flights.delay", "how": "name"},)
    step = reading_step((), bound, MODEL)
    assert step is not None
    assert step.claim.startswith("Linked the words")
    assert reading_step((), (), MODEL) is None


def test_joins_in_use_follow_tables_and_roles() -> None:
    by_airline = SemanticQuery(dimensions=(DimensionRef(member="airlines.name"),))
    assert [u.join for u in used_joins(by_airline, ("flights", "airlines"), MODEL)] == [AIRLINES]
    by_origin = SemanticQuery(dimensions=(DimensionRef(member="airports.name", role="origin"),))
    assert [u.join for u in used_joins(by_origin, ("flights", "airports"), MODEL)] == [ORIGIN]
    to_dest = SemanticQuery(
        filters=(
            Filter(
                member="airports.faa", operator=FilterOperator.EQUALS, values=("X",), role="dest"
            ),
        )
    )
    assert [u.join for u in used_joins(to_dest, ("flights", "airports"), MODEL)] == [DEST]
    assert used_joins(None, ("flights", "airlines"), MODEL) == ()
    assert used_joins(by_airline, ("flights",), MODEL) == ()


def test_a_join_says_why_it_holds() -> None:
    inferred, declared = (
        join_step(used)
        for used in used_joins(
            SemanticQuery(dimensions=(DimensionRef(member="airports.name", role="origin"),)),
            ("flights", "airlines", "airports"),
            MODEL,
        )
    )
    assert "airlines" in inferred.claim
    assert inferred.evidence == "inferred from names and values"
    assert inferred.confidence == 0.91
    assert "origin = faa" in declared.how
    assert "as origin" in declared.claim
    assert declared.evidence == "declared in the database"


def test_the_guard_and_the_result_speak_of_what_ran() -> None:
    assert "2 allowed tables" in guard_step(result()).how
    assert "1 allowed table;" in guard_step(result(tables=("flights",))).how
    step = result_step(result())
    assert step.claim == "The data gives 16 rows, all shown"
    assert "336,792 rows" in step.how
    assert step.confidence == 1.0
    assert step.duration_ms == 12.4


def test_a_cut_result_is_said_to_be_cut() -> None:
    step = result_step(result(truncated=True, row_count=1, rows_read=None))
    assert "cut off at 1,000 rows" in step.claim
    assert step.confidence < 1
    assert " from " not in step.how
