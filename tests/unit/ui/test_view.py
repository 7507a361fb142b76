from datetime import timedelta

import pytest

from aiser_app.domain.chart import Chart, ChartKind, ChartSpec
from aiser_app.domain.run import RunStatus
from aiser_app.ui.chat import wording
from aiser_app.ui.chat.view import view_steps, view_turn
from tests.unit.ui import examples as ex


def answered(**changes):
    return view_turn(
        ex.turn(ex.run(status=RunStatus.ANSWERED, answer=ex.answer(**changes))), ex.result()
    )


def test_an_answer_shows_its_headline_proof_and_references() -> None:
    view = answered()

    assert (view.headline, view.text) == ("21.9 min", "Frontier was worst.")
    assert view.result_id == "r1"
    assert view.csv == "/api/v1/results/r1.csv"
    assert view.route == "direct, DuckDB"
    assert {fact.name: fact.value for fact in view.facts} == {
        "Tables": "flights, airlines",
        "Rows read": "336,776",
        "Rows returned": "16, all shown",
    }
    assert view.took == "1.2 s"
    assert view.query_took == "84 ms"
    assert view.confidence_word == "High confidence"
    assert (view.parts[0].percent, view.parts[0].level) == ("80%", "medium")


def test_tabs_are_those_that_have_something_to_show() -> None:
    assert answered().tab_labels == ["Chart", "Table", "SQL", "Reasoning"]
    assert answered().tab_counts == ["", "16", "", "2"]
    no_chart = answered(
        chart=Chart(spec=ChartSpec(kind=ChartKind.NUMBER, title="Flights")), steps=()
    )
    assert no_chart.tab_labels == ["Table", "SQL"]
    assert no_chart.tab_panels == [1, 2]


def test_an_answer_whose_rows_are_gone_still_shows_its_words() -> None:
    view = view_turn(ex.turn(ex.run(status=RunStatus.ANSWERED, answer=ex.answer())), None)

    assert view.headline == "21.9 min"
    assert not view.has_result
    assert view.tab_labels == ["Reasoning"]


def test_rows_that_were_cut_are_never_called_all() -> None:
    cut = ex.result(truncated=True, row_count=100_000, limit=100_000)
    view = view_turn(ex.turn(ex.run(status=RunStatus.ANSWERED, answer=ex.answer())), cut)

    assert "all" not in view.facts[-1].value
    assert view.table_note == "100,000 rows: cut at the limit of 100,000, there are more"


def test_asking_back_numbers_its_options() -> None:
    view = view_turn(ex.turn(ex.run(status=RunStatus.NEEDS_INPUT, answer=ex.asking_back())), None)

    assert [(o.number, o.text) for o in view.options] == [
        ("1", "Highest average delay"),
        ("2", "Most cancelled"),
    ]
    assert view.unknown_words == ["worst"]
    assert view.confidence_level == "low"
    assert view.tab_labels == []


def test_a_failure_says_what_and_what_to_do() -> None:
    view = view_turn(ex.turn(ex.failed_run()), None)

    assert (view.failure, view.failure_hint) == ("It does not answer.", "Wait.")


@pytest.mark.parametrize(
    ("status", "shown"), [(RunStatus.FAILED, "fail"), (RunStatus.CANCELLED, "warn")]
)
def test_a_run_that_ended_has_no_running_step(status: RunStatus, shown: str) -> None:
    steps = ({"key": "a", "title": "Read", "state": "done"}, {"key": "b", "title": "Run"})
    view = view_turn(ex.turn(ex.run(status=status, steps=steps)), None)

    assert [step.state for step in view.steps] == ["done", shown]


def test_the_clock_of_a_running_turn_starts_at_the_question() -> None:
    view = view_turn(ex.turn(ex.run()), None, now=ex.NOW + timedelta(seconds=3))

    assert view.started_ms_ago == 3_000
    assert view.limit_seconds == 120


def test_the_last_state_of_a_step_wins_and_keeps_its_place() -> None:
    steps = view_steps(
        [
            {"key": "a", "title": "Link", "state": "run"},
            {"key": "b", "title": "Query", "state": "run"},
            {"key": "a", "title": "Linked", "state": "done", "duration_ms": 38.2},
        ]
    )

    assert [(s.title, s.state, s.took) for s in steps] == [
        ("Linked", "done", "38 ms"),
        ("Query", "run", ""),
    ]


def test_a_step_with_odd_values_is_shown_as_text() -> None:
    assert view_steps([{"title": 5, "detail": None}])[0].title == "5"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0.2, "1 ms"), (84, "84 ms"), (999, "999 ms"), (6_400, "6.4 s"), (125_000, "2 m 05 s")],
)
def test_durations(milliseconds: float, text: str) -> None:
    assert wording.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("score", "level"), [(0.95, "high"), (0.9, "high"), (0.89, "medium"), (0.74, "low")]
)
def test_confidence_bands(score: float, level: str) -> None:
    assert wording.confidence_level(score) == level


def test_integers_are_grouped_with_a_real_minus() -> None:
    assert wording.grouped(-336_776) == "\u2212336,776"
