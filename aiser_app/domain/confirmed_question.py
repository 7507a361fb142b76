"""A question with the reading that a person has chosen for it, as one text.

What is clicked comes back as a question like any other, so it says itself what was confirmed:
`visits in 2025 (read as: show Number of sessions · when 2025)`.
"""

from __future__ import annotations

import re

_MARK = re.compile(r"^(?P<question>.+?)\s*\(read as: (?P<words>.+)\)\s*$", re.DOTALL)


def confirmed(question: str, words: str) -> str:
    """The question in one line, with the reading in words."""
    return f"{' '.join(question.split())} (read as: {words})"


def split_confirmed(text: str) -> tuple[str, str]:
    """The question, and the reading that somebody has chosen; empty when nobody has."""
    found = _MARK.match(text)
    return (found["question"], found["words"].strip()) if found else (text, "")
