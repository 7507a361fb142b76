"""A question and the reading that was chosen for it, as one text and apart again."""

from __future__ import annotations

import pytest

from aiser_app.domain.confirmed_question import confirmed, split_confirmed


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("visits in 2025", "show Number of sessions · when 2025"),
        ("visits (web) in 2025?", "show Visits (web) · by country"),
    ],
)
def test_there_and_back(question: str, words: str) -> None:
    assert split_confirmed(confirmed(question, words)) == (question, words)


def test_questions_of_several_lines_become_one() -> None:
    assert confirmed("visits\n  in 2025", "show Visits") == "visits in 2025 (read as: show Visits)"


@pytest.mark.parametrize("text", ["visits", "", "(read as: nothing)", "what is (read as: ) here"])
def test_other_texts_are_questions(text: str) -> None:
    assert split_confirmed(text) == (text, "")
