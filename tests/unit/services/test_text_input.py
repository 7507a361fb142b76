"""What people type, and how secrets are made and kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiser_app.errors import InvalidInput
from aiser_app.services.secret_text import (
    SETUP_ALPHABET,
    hash_password,
    is_password,
    needs_rehash,
    new_api_key,
    new_session_token,
    new_setup_token,
    normal_setup_token,
)
from aiser_app.services.text_input import (
    checked_email,
    checked_name,
    checked_question,
    normal_email,
    title_of,
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  How many flights? ", "How many flights?"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("Wie viele Flüge? ✈️ 航班", "Wie viele Flüge? ✈️ 航班"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_questions_are_kept_as_typed(typed: str, kept: str) -> None:
    assert checked_question(typed, 100) == kept


def test_a_long_question_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_question("x" * 100_000, 4_000)
    assert "100,000" in caught.value.message
    assert "4,000" in caught.value.message


@given(st.text(st.characters(codec=None), max_size=200))
def test_no_text_breaks_the_check(text: str) -> None:
    try:
        question = checked_question(text, 100)
    except InvalidInput:
        return
    assert question == question.strip()
    assert "\x00" not in question
    question.encode()


@given(st.text(max_size=500))
def test_titles_fit_on_one_line(question: str) -> None:
    title = title_of(question)
    assert len(title) <= 80
    assert "\n" not in title


def test_titles_are_cut_at_a_word() -> None:
    assert title_of("number of flights by month and carrier", 25) == "number of flights by…"
    assert title_of("x" * 100, 10) == "x" * 9 + "…"


def test_emails() -> None:
    assert normal_email(" \uff21DA@Example.COM ") == "ada@example.com"
    assert checked_email("ada@localhost") == "ada@localhost"
    for wrong in ("", "ada", "@x", "ada@", "a b@c", "a@b@c", "a\n@b", "x" * 320 + "@x"):
        with pytest.raises(InvalidInput):
            checked_email(wrong)


def test_names() -> None:
    assert checked_name(" Ada \n Lovelace ", "The name") == "Ada Lovelace"
    with pytest.raises(InvalidInput, match="The name is missing"):
        checked_name("", "The name")


def test_passwords() -> None:
    stored = hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert "correct" not in stored
    assert is_password(stored, "correct horse")
    assert not is_password(stored, "Correct horse")
    assert not is_password(None, "correct horse")
    assert not is_password("no hash", "correct horse")
    assert not needs_rehash(stored)
    assert needs_rehash("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")


def test_what_follows_the_longest_password_counts_too() -> None:
    longest = "x" * 1024
    assert not is_password(hash_password(longest), longest + "y")


def test_tokens_are_long_and_never_the_same() -> None:
    for make in (new_session_token, new_api_key, new_setup_token):
        assert len({make() for _ in range(100)}) == 100
    assert len(new_session_token()) >= 43
    assert len(new_api_key()) >= 47
    assert set(new_setup_token()) <= {*SETUP_ALPHABET, "-"}


def test_setup_tokens_are_read_as_people_type_them() -> None:
    token = new_setup_token()
    for typed in (token.lower(), token.replace("-", " "), f" {token}\n", token.replace("-", "")):
        assert normal_setup_token(typed) == token.replace("-", "")
