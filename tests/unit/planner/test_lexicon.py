"""What phrases can mean, and which cubes a cube reaches."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

from aiser_app.domain.semantic_model import Join, SemanticModel
from aiser_app.planner.join_paths import JoinPaths
from aiser_app.planner.lexicon import _KEPT_LEXICONS, build_lexicon, lexicon_for
from aiser_app.planner.plan import plan
from tests.unit.planner.asking import TODAY
from tests.unit.planner.models import CLINIC, FLIGHTS, SHOP, cube, join, number, text


def members(model: SemanticModel, *stems: str) -> dict[str, float]:
    return {t.member: t.score for t in build_lexicon(model).find(stems)}


def test_names_titles_and_abbreviations_lead_to_a_column() -> None:
    assert members(FLIGHTS, "arr", "delay")["flights.arr_delay"] == 1.0
    assert members(FLIGHTS, "arrival", "delay")["flights.arr_delay"] == 1.0
    assert members(FLIGHTS, "delay") == {"flights.arr_delay": 0.6, "flights.dep_delay": 0.6}
    assert members(CLINIC, "copay")["fct_visits.copay_amt"] == 0.85


def test_technical_prefixes_of_tables_are_cut() -> None:
    model = SemanticModel(source_id="x", cubes=(cube("dim_ad_group", number("n")),))
    assert members(model, "ad", "group") == {"dim_ad_group": 1.0}
    assert members(model, "adgroup") == {"dim_ad_group": 1.0}


def test_the_name_of_the_table_in_a_column_may_be_left_out() -> None:
    model = SemanticModel(source_id="x", cubes=(cube("campaign", text("campaign_budget")),))
    assert members(model, "budget")["campaign.campaign_budget"] == 0.95


def test_synonyms_score_below_names() -> None:
    found = members(SHOP, "client")
    assert found["customers"] == 0.85
    assert "customers" not in members(FLIGHTS, "client")


def test_words_of_the_grammar_do_not_bind_to_one_word_columns() -> None:
    model = SemanticModel(
        source_id="x", cubes=(cube("t", number("average"), text("most", values=("Which", "each"))),)
    )
    assert members(model, "average") == {}
    assert members(model, "which") == {}


def test_the_lexicon_is_built_once_per_model_object() -> None:
    assert lexicon_for(FLIGHTS) is lexicon_for(FLIGHTS)
    copy = replace(FLIGHTS, version=2)
    assert lexicon_for(copy) is not lexicon_for(FLIGHTS)
    for version in range(3, _KEPT_LEXICONS + 4):
        lexicon_for(replace(SHOP, version=version))
    assert lexicon_for(copy).model is copy


def test_paths_are_the_shortest_and_keep_parallel_roles_apart() -> None:
    paths = JoinPaths(FLIGHTS)
    assert [p.role for p in paths.to("flights", "airports")] == ["origin", "dest"]
    assert paths.to("airports", "flights") == ()
    assert paths.reachable("weather") == {"weather", "airports"}
    (two,) = JoinPaths(SHOP).to("order_items", "customers")
    assert [j.target for j in two.joins] == ["orders", "customers"]
    assert two.score == 1.0


def test_joins_to_nowhere_and_in_circles_are_harmless() -> None:
    model = SemanticModel(
        source_id="x",
        cubes=(
            cube("a", number("b_id", is_key=True), joins=(join("b", "b_id", "id"),)),
            cube(
                "b", number("id", is_key=True),
                joins=(
                    join("a", "id", "b_id"), join("b", "id", "id"),
                    Join(target="gone", columns=(("id", "id"),)),
                ),
            ),
        ),
    )  # fmt: skip
    assert JoinPaths(model).reachable("a") == {"a", "b"}


def test_planning_is_fast_enough_to_be_unnoticed() -> None:
    """Far looser than the bench, so that a busy machine does not fail it."""
    questions = ["flights by month", "average arrival delay by carrier from JFK in June"]
    plan(questions[0], FLIGHTS, today=TODAY)
    times = []
    for question in questions * 10:
        started = time.perf_counter()
        plan(question, FLIGHTS, today=TODAY)
        times.append(time.perf_counter() - started)
    assert statistics.median(times) < 0.1
