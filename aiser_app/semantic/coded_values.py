"""What the values of coded columns mean: “1 = open, 0 = closed” in a comment, 0/1 and Y/N by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiser_app.domain.catalog import ColumnProfile, name_words

MAX_TITLE = 40
"""Characters; a longer text explains a value, and is no name for it."""
_YES_NO = (
    ("0", "1"), ("n", "y"), ("no", "yes"), ("f", "t"), ("false", "true"), ("nein", "ja"), ("n", "j"),
)  # fmt: skip
_FLAG_WORDS = (
    "is has was can flag active enabled live current deleted yn bool indicator ind aktiv geplant "
    "allowed required verified paid open closed"
)
_FLAGS = frozenset(_FLAG_WORDS.split())
_BETWEEN = r"\s*(?:=|:|-|\u2013|\u2192|for|means|is|stands for)?\s+|\s*[=:]\s*"
_TITLE = r"(?P<title>[^\W\d_][\w /'-]{0,60}?)"
_END = r"\s*(?=,|;|\.|\(|\)|\||$|\bor\b|\band\b)"
_NUMBERED = re.compile(
    rf"(?<![\w.])(?P<value>\d{{1,3}})\s*(?:=|:|-|\u2013|for|means)\s*{_TITLE}{_END}"
)


def value_titles(column: ColumnProfile) -> tuple[tuple[str, str], ...]:
    """Pairs (stored value, what it means); empty when nothing says so."""
    described = _described(column)
    return described or _flag(column)


def _described(column: ColumnProfile) -> tuple[tuple[str, str], ...]:
    text = " ".join(column.description.split())
    if not text:
        return ()
    if column.type == "integer":
        found = {m["value"]: m["title"] for m in _NUMBERED.finditer(text)}
    elif column.type == "string" and column.values:
        found = _of_known_values(text, column.values)
    else:
        return ()
    titles = {value: title.strip() for value, title in found.items() if len(title) <= MAX_TITLE}
    is_list = len(titles) > 1 and len(set(titles.values())) == len(titles)
    return tuple(sorted(titles.items())) if is_list else ()


def _of_known_values(text: str, values: Sequence[str]) -> dict[str, str]:
    """Values as they are stored, each followed by words that are no values themselves."""
    known = {value.casefold() for value in values}
    found: dict[str, str] = {}
    for value in values:
        pattern = rf"(?<![\w]){re.escape(value)}(?:{_BETWEEN}){_TITLE}{_END}"
        match = re.search(pattern, text)
        if match is not None and match["title"].strip().casefold() not in known:
            found[value] = match["title"]
    return found


def _flag(column: ColumnProfile) -> tuple[tuple[str, str], ...]:
    """Yes and no, where the two values can mean nothing else."""
    values = _two_values(column)
    if values is None:
        return ()
    if tuple(value.casefold() for value in values) not in _YES_NO:
        return ()
    if column.type == "integer" and not set(name_words(column.name)) & _FLAGS:
        return ()
    return ((values[0], "no"), (values[1], "yes"))


def _two_values(column: ColumnProfile) -> tuple[str, str] | None:
    if column.type == "string" and len(column.values) == 2:
        low, high = column.values
        return (low, high)
    is_binary = (column.minimum, column.maximum) == ("0", "1")
    return ("0", "1") if column.type == "integer" and is_binary else None


def is_flag(column: ColumnProfile) -> bool:
    """Whether its values are yes and no, whatever they are written as."""
    return column.type == "boolean" or bool(_flag(column))
