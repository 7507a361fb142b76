"""Forms of words: what may meet, and what must not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiser_app.planner.units import convert, kind_of, number_text
from aiser_app.planner.words import (
    plural,
    root,
    sentences,
    singular,
    split_name,
    stem,
    tokenize,
    value_words,
)


@pytest.mark.parametrize(
    ("word", "one"),
    [
        ("flights", "flight"), ("cities", "city"), ("boxes", "box"), ("classes", "class"),
        ("status", "status"), ("statuses", "status"), ("people", "person"), ("ties", "tie"),
        ("bus", "bus"), ("gas", "gas"), ("analysis", "analysis"), ("branches", "branch"),
        ("county", "county"), ("does", "doe"),
    ],
)  # fmt: skip
def test_stem_cuts_plurals_only(word: str, one: str) -> None:
    assert stem(word) == one


def test_forms_of_one_word_share_a_root_and_others_do_not() -> None:
    assert root("cancelled") == root("cancellation") == root("cancels")
    assert root("arrived") == root("arrival")
    assert root("delivery") == root("delivered")
    assert root("county") != root("count")
    assert root("bus") == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sbTxCustId", ("sb", "tx", "cust", "id")),
        ("sb_tx_cust_id", ("sb", "tx", "cust", "id")),
        ("HTTPStatus", ("http", "status")),
        ("Order date", ("order", "date")),
        ("--", ()),
    ],
)
def test_names_are_split(name: str, words: tuple[str, ...]) -> None:
    assert split_name(name) == words


def test_values_are_split_as_a_question_would_write_them() -> None:
    assert value_words("JetBlue Airways") == ("jetblue", "airways")
    assert value_words("Turbo-fan") == ("turbo", "fan")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ('flights to "New York"', ["flights", "to", "New York"]),
        ("flights to “New York”", ["flights", "to", "New York"]),
        ("the 'Home Office' segment", ["the", "Home Office", "segment"]),
        ("customer's orders", ["customer", "orders"]),
        ("what's up", ["what", "is", "up"]),
        ("don't", ["do", "not"]),
        ("check-ins by user_id", ["check", "ins", "by", "user", "id"]),
        ("1,000 or 2.5", ["1,000", "or", "2.5"]),
        ("a >= 5, b", ["a", ">=", "5", ",", "b"]),
        ("2013-06-05", ["2013-06-05"]),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    joined = " ".join(t.text for t in tokenize(text.replace("user_id", "user_id")))
    assert joined == " ".join(tokens)


def test_a_quoted_literal_is_one_token() -> None:
    assert [t.kind for t in tokenize('is "New York"')] == ["word", "quoted"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("How many? Thanks!", 2), ("flights for Acme Inc. By month", 1), ("a\nb", 2), ("", 0),
        ("flights != 5", 1), ("One here. Two there.", 2), ("...", 0),
    ],
)  # fmt: skip
def test_sentences(text: str, count: int) -> None:
    assert len(sentences(text)) == count


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("flight", "flights"), ("origin city", "origin cities"), ("box", "boxes"), ("day", "days"),
        ("weather", "weather"), ("flights", "flights"), ("", ""),
    ],
)  # fmt: skip
def test_plural_and_back(one: str, many: str) -> None:
    assert plural(one) == many
    assert singular(many) == stem(one) if " " not in one else singular(many) == one


def test_units_convert_within_one_kind_only() -> None:
    assert convert(2, "hours", "min") == 120
    assert convert(5, "", "min") == 5
    assert convert(1, "km", "miles") == pytest.approx(0.621371)
    assert convert(1, "kg", "min") is None
    assert convert(1, "minutes", "") is None
    assert kind_of("minutes") == "s"
    assert kind_of("furlong") == ""
    assert [number_text(n) for n in (60.0, 2.5)] == ["60", "2.5"]


@given(st.text(max_size=200))
def test_any_text_can_be_cut_into_tokens(text: str) -> None:
    for token in tokenize(text):
        assert token.kind in {"word", "number", "date", "symbol", "quoted"}
        assert token.text.strip() == token.text
