"""Names in a question that only the data knows: which are looked up, and which are meant."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.value_index import Match, ValueHit
from aiser_app.planner.lexicon import lexicon_for
from aiser_app.planner.plan import plan
from aiser_app.planner.reading import Reading, Unreadable
from aiser_app.planner.recalled_values import names_in, with_recalled_values
from tests.unit.planner.asking import TODAY, brief
from tests.unit.planner.models import cube, join, number, text

MODEL = SemanticModel(
    source_id="1" * 32,
    cubes=(
        cube(
            "orders",
            text("order_no", is_key=True),
            text("customer_id", is_key=True),
            number("amount", unit="EUR"),
            joins=(join("customers", "customer_id", "customer_id"),),
        ),
        cube(
            "customers",
            text("customer_id", is_key=True),
            text("name", is_label=True),
            text("city"),
            primary_key=("customer_id",),
        ),
    ),
)
CITY, NAME = "customers.city", "customers.name"


class Values:
    """An index by hand: (phrase in lower case) to hits."""

    def __init__(self, *hits: tuple[str, str, str, Match]) -> None:
        self._hits = hits
        self.asked: list[str] = []

    def find(self, phrases: Sequence[str]) -> list[ValueHit]:
        self.asked = list(phrases)
        return [
            ValueHit(phrase=phrase, member=member, value=value, how=how, score=1.0, frequency=1)
            for phrase in phrases
            for wanted, member, value, how in self._hits
            if wanted == phrase.lower()
        ]


def asked(question: str, *hits: tuple[str, str, str, Match]) -> str:
    found = plan(question, MODEL, today=TODAY, values=Values(*hits))
    assert isinstance(found, Reading), found
    return brief(found.query)


PARIS = ("paris", CITY, "Paris", Match.EXACT)
ACME = ("acme trading", NAME, "ACME Trading", Match.NORMAL)


def test_a_name_of_the_data_is_a_condition() -> None:
    assert asked("total amount from Paris", PARIS) == "sum_amount where city equals Paris"
    assert asked("number of orders of acme trading", ACME) == "count where name equals ACME Trading"
    part = ("oslo", CITY, "Oslo-Sentrum", Match.WORDS)
    assert asked("how many customers in Oslo?", part).endswith("where city equals Oslo-Sentrum")


def test_without_the_index_the_name_is_unknown() -> None:
    found = plan("total amount from Paris", MODEL, today=TODAY)
    assert isinstance(found, Unreadable)
    assert "Paris".lower() in " ".join(found.unbound).lower()


def test_what_the_question_marks_as_a_name_is_looked_up() -> None:
    lexicon = lexicon_for(MODEL)
    phrases = names_in('Show the amount for Big Blue and "sky & sea" in X200 by city', lexicon)
    assert phrases[0] == "sky & sea"
    assert {"Big Blue", "X200"} <= set(phrases)
    assert not {"Show", "amount", "city", "by"} & set(phrases)
    assert names_in("", lexicon) == []


def test_nothing_found_leaves_the_lexicon_as_it_is() -> None:
    lexicon = lexicon_for(MODEL)
    assert with_recalled_values(lexicon, "orders in Rome", None) is lexicon
    assert with_recalled_values(lexicon, "orders in Rome", Values()) is lexicon
    assert with_recalled_values(lexicon, "", Values()) is lexicon


def test_what_was_found_for_one_question_is_gone_with_it() -> None:
    lexicon = lexicon_for(MODEL)
    before = {key: dict(targets) for key, targets in lexicon.phrases.items()}
    assert with_recalled_values(lexicon, "orders in Paris", Values(PARIS)) is not lexicon
    assert {key: dict(targets) for key, targets in lexicon.phrases.items()} == before


@pytest.mark.parametrize(
    "hits",
    [
        [("kim", NAME, f"Kim {n}", Match.WORDS) for n in range(4)],  # short, and many
        [("kimber", NAME, f"Kimber {n}", Match.WORDS) for n in range(4)],
        [("kimbr", NAME, "Kimbra", Match.TYPO)],
    ],
    ids=["short", "many", "slip"],
)
def test_what_may_be_anybody_is_nobody(hits: list[tuple[str, str, str, Match]]) -> None:
    lexicon, word = lexicon_for(MODEL), hits[0][0].capitalize()
    assert with_recalled_values(lexicon, f"orders of {word}", Values(*hits)) is lexicon


def test_a_whole_name_comes_before_parts_of_others() -> None:
    hits = [PARIS, ("paris", NAME, "Paris Hotels Ltd", Match.WORDS)]
    assert asked("total amount from Paris", *hits) == "sum_amount where city equals Paris"
