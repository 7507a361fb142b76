"""A confidence that was measured: what it is made of, and what happens below the bar."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from aiser_app.domain.answer import Chip, ConfidencePart
from aiser_app.domain.confirmed_question import split_confirmed
from aiser_app.domain.semantic_query import (
    DimensionRef,
    Filter,
    FilterOperator,
    MeasureTerm,
    Metric,
    SemanticQuery,
    Windowed,
    WindowKind,
)
from aiser_app.planner import calibration as module
from aiser_app.planner.calibration import calibrated, calibration, features_of, is_plain
from aiser_app.planner.confirming import (
    ask_which,
    find_confirmed,
    is_sure,
    words_of,
)
from aiser_app.planner.plan import likeliest, plan
from aiser_app.planner.reading import BoundWord, Reading, Unreadable
from tests.unit.planner.asking import TODAY
from tests.unit.planner.models import FLIGHTS
from tests.unit.planner.trade_model import TRADE

SIMPLE = SemanticQuery(measures=("orders.count",))
RICH = SemanticQuery(
    measures=("share",),
    metrics=(
        Metric(
            name="share",
            expression=Windowed(
                window=WindowKind.SHARE, of=MeasureTerm(measure="lines.sum_amount")
            ),
        ),
    ),
    dimensions=(DimensionRef(member="products.category"),),
    filters=(
        Filter(member="orders.status", operator=FilterOperator.EQUALS, values=("a.b", "2.5")),
        Filter(member="customers.city", operator=FilterOperator.EQUALS, values=("Bonn",)),
    ),
)


def reading(query: SemanticQuery = SIMPLE, score: float = 1.0, how: str = "name") -> Reading:
    return Reading(
        query=query,
        shape="number",
        score=score,
        bound=(BoundWord(text="orders", member="orders.count", how=how, score=1.0),),
        chips=(Chip(key="show", value=str(query.measures[0])),),
    )


def test_the_coefficients_are_what_the_features_are() -> None:
    known = calibration()
    features = features_of("orders", reading())
    assert set(known.weights) == set(known.means) == set(known.deviations) == set(features)
    assert all(value > 0 for value in known.deviations.values())
    assert known.weights["loss"] < 0
    assert known.weights["cubes"] < 0
    assert json.loads(module._FILE.read_text())["readings"] > 100


def test_features_say_what_is_seen_of_a_reading() -> None:
    simple = features_of("how many orders", reading())
    rich = features_of("how many orders " + "and " * 40, reading(RICH, 0.8, "synonym"))
    assert simple["loss"] == simple["cubes"] == simple["conditions"] == simple["synonyms"] == 0
    assert rich["loss"] == pytest.approx(2.0)
    assert (rich["cubes"], rich["conditions"], rich["synonyms"]) == (3, 2, 1)
    assert (simple["across_groups"], rich["across_groups"]) == (0, 1)
    assert (simple["words"], rich["words"]) == (3 / 5, 4.0)
    by = replace(SIMPLE, limit_by=(DimensionRef(member="orders.status"),))
    assert features_of("x", reading(by))["across_groups"] == 1
    assert features_of("", reading(how="value"))["values"] == 1


def test_doubts_lower_it_and_it_stays_a_probability() -> None:
    sure, unsure = (calibrated("orders", reading(score=s)).score for s in (1.0, 0.5))
    worst = calibrated("orders " * 30, reading(RICH, 0.0, "synonym")).score
    assert 0 <= worst < unsure < sure < 1
    told = calibrated("orders", reading()).parts[-1]
    assert (told.name, told.score) == ("Readings of this kind", sure)
    assert told.measured == f"{sure:.0%} right in tests"


def test_what_the_narrow_grammar_has_read_keeps_its_own() -> None:
    plain = replace(
        reading(score=0.93),
        parts=(ConfidencePart(name="Ahead of other readings", measured="no other", score=1.0),),
    )
    assert is_plain(plain)
    assert calibrated("orders", plain) is plain
    found = plan("flights by month", FLIGHTS, today=TODAY)
    assert isinstance(found, Reading)
    assert is_plain(found)


def test_a_click_says_what_was_read() -> None:
    assert split_confirmed("visits in 2025") == ("visits in 2025", "")
    text = "visits (2025) (read as: show Visits · when 2025)"
    assert split_confirmed(text) == ("visits (2025)", "show Visits · when 2025")
    found = find_confirmed("show orders.count", [reading(RICH), reading()])
    assert found is not None
    assert found.query == SIMPLE
    assert found.parts[-1].measured == "chosen by you"
    assert is_sure(found)
    assert find_confirmed("show nothing", [reading()]) is None


def test_up_to_three_readings_are_offered_each_once() -> None:
    readings = [reading(replace(SIMPLE, measures=(f"orders.m{n}",))) for n in (1, 1, 2, 3, 4)]
    asked = ask_which("how  many\norders", readings)
    assert asked.clarification.options == tuple(
        f"how many orders (read as: show orders.m{n})" for n in (1, 2, 3)
    )
    assert "Which one?" in asked.clarification.question
    assert "Is this what you mean?" in ask_which("x", readings[:1]).clarification.question


UNSURE = "categories with above average units sold"


def test_a_reading_below_the_bar_is_asked_about_and_runs_when_it_is_clicked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = likeliest(UNSURE, TRADE, today=TODAY)
    assert isinstance(read, Reading)
    careful = replace(calibration(), caution=20.0)
    monkeypatch.setattr(module, "calibration", lambda: careful)
    asked = plan(UNSURE, TRADE, today=TODAY)
    assert isinstance(asked, Unreadable)
    first = asked.clarification.options[0]
    assert first == f"{UNSURE} (read as: {words_of(read)})"
    confirmed = plan(first, TRADE, today=TODAY)
    assert isinstance(confirmed, Reading)
    assert confirmed.query == read.query
    assert is_sure(confirmed)
    # What was not offered is read like any other question.
    other = plan(f"{UNSURE} (read as: show Everything)", TRADE, today=TODAY)
    assert isinstance(other, Unreadable)
    assert other.clarification.options == asked.clarification.options
