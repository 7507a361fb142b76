"""Whether a question was checked before: the same words, or the same parts in another order.

What is found is run instead of what the planner would read, so there is no room for likeness: part by
part everything must be equal. Questions that are merely alike, as with a slip of the pen, are offered
to be clicked. Numbers, dates, values, comparisons and negations may not differ even there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

from rapidfuzz.distance import OSA

from aiser_app.domain.encoding import encode
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.verified_query import VerifiedQuery
from aiser_app.reasoning.question_words import (
    NEGATIONS,
    Part,
    Word,
    is_relative,
    parts_of,
    singular,
    words_of,
)

MOST_OFFERS = 2
LIKENESS = 0.83
"""Least similarity of two words that count as one word with a slip: 1 - edits / length of the longer."""
SHORTEST_SLIP = 5
"""Letters; shorter words are other words as soon as one letter differs."""
MOST_SLIPS = 2
_SQL_TEXT = re.compile(r"'((?:[^']|'')*)'")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NEGATING = ("un", "in", "im", "ir", "il", "non", "dis", "de", "re", "pre", "post", "sub", "mis")


class Likeness(StrEnum):
    EXACT = "exact"
    """The same words in the same order."""
    NEAR = "near"
    """The same parts in another order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """The verified query to use, by which of its questions."""

    query: VerifiedQuery
    question: str
    likeness: Likeness
    is_relative: bool = False
    """The question names a time that moves: its dates are those of the day of asking."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Matches:
    """At most one to use, and questions that are worth a click."""

    used: Match | None = None
    offers: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Read:
    words: tuple[Word, ...]
    parts: tuple[Part, ...]

    @cached_property
    def texts(self) -> tuple[str, ...]:
        return tuple(word.text for word in self.words)

    @cached_property
    def bag(self) -> Counter[str]:
        return Counter(self.texts)

    @cached_property
    def kinds(self) -> frozenset[str]:
        return frozenset(self.texts)

    @cached_property
    def raws(self) -> frozenset[str]:
        return frozenset(word.raw or word.text for word in self.words)

    @cached_property
    def names(self) -> frozenset[str]:
        """Words that are written as names are: their plural is another name."""
        return frozenset(word.raw or word.text for word in self.words if word.is_value)

    def tied(self, protected: frozenset[str]) -> Counter[tuple[str, str]]:
        """What may not differ, each with the word that ties it: from JFK is not to JFK."""
        return Counter(
            (phrase.label, word)
            for part in self.parts
            for phrase in part
            for word in (*phrase.words, "")
            if not word or word in protected or NEGATIONS & {*phrase.label.split()}
        )


def find_matches(
    question: str, verified: Iterable[VerifiedQuery], model: SemanticModel | None = None
) -> Matches:
    """What `question` was checked as; `model` tells names and values that are never slips.

    Two verified queries that fit equally well are a doubt: both are offered, none is used.
    """
    asked = _read(question)
    if not asked.parts:
        return Matches()
    found: list[Match] = []
    offers: list[str] = []
    for query in verified:
        for text in query.questions:
            known = _read(text)
            likeness = _likeness(asked, known)
            if likeness is not None and _has_values(asked, known, query):
                found.append(
                    Match(
                        query=query,
                        question=text,
                        likeness=likeness,
                        is_relative=is_relative(known.words),
                    )
                )
            elif len(offers) < MOST_OFFERS and _is_slip(asked, known, query, model):
                offers.append(text)
    return _decided(found, offers)


def _decided(found: Sequence[Match], offers: Sequence[str]) -> Matches:
    exact = [match for match in found if match.likeness is Likeness.EXACT]
    best = exact or list(found)
    if not best:
        return Matches(offers=tuple(dict.fromkeys(offers)))
    meanings = {match.query.verified_query_id: match.query for match in best}
    if len({repr((q.semantic_query, q.sql)) for q in meanings.values()}) > 1:
        names = [match.question for match in best][:MOST_OFFERS]
        return Matches(offers=tuple(dict.fromkeys(names)))
    return Matches(used=best[0])


def same_question(left: str, right: str) -> bool:
    """Whether two texts would be taken for the same question."""
    return _likeness(_read(left), _read(right)) is not None


def has_words(question: str) -> bool:
    """Whether anything of it carries meaning."""
    return bool(_read(question).parts)


def has_fixed_dates(sql: str) -> bool:
    """Whether SQL compares with a date that does not move."""
    return any(_DATE.match(text) for text in _SQL_TEXT.findall(sql))


def says_moving_time(question: str) -> bool:
    """Whether the question means other dates on another day."""
    return is_relative(words_of(question))


def without_dates(query: Any) -> Any:
    """The encoded query with every date blanked, for comparing what is asked apart from when."""
    if isinstance(query, dict):
        return {key: without_dates(value) for key, value in query.items()}
    if isinstance(query, list | tuple):
        return [without_dates(item) for item in query]
    if isinstance(query, str) and _DATE.match(query):
        return ""
    return query


def literals_of(query: VerifiedQuery) -> frozenset[str]:
    """Values that the query compares with, in small letters."""
    if query.semantic_query is not None:
        return frozenset(_values(encode(query.semantic_query)))
    return frozenset(text.replace("''", "'").casefold() for text in _SQL_TEXT.findall(query.sql))


def tells_only_known(query: VerifiedQuery, model: SemanticModel) -> bool:
    """Whether all values in it are known to whoever sees `model`: policies may hide some."""
    known = {v.casefold() for cube in model.cubes for d in cube.dimensions for v in d.values}
    return all(value in known or _is_plain(value) for value in literals_of(query))


def _is_plain(value: str) -> bool:
    return not value or bool(_DATE.match(value)) or value.replace(".", "", 1).isdigit()


def _values(content: Any) -> Iterable[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key == "values" and isinstance(value, list):
                yield from (str(item).casefold() for item in value)
            else:
                yield from _values(value)
    elif isinstance(content, list):
        for item in content:
            yield from _values(item)


@lru_cache(maxsize=8_192)
def _read(question: str) -> _Read:
    words = words_of(question)
    return _Read(words, parts_of(words))


def _likeness(asked: _Read, known: _Read) -> Likeness | None:
    if not known.parts or not (known.names <= asked.raws and asked.names <= known.raws):
        return None
    if asked.texts == known.texts:
        return Likeness.EXACT
    if asked.parts == known.parts:
        return Likeness.NEAR
    return None


def _has_values(asked: _Read, known: _Read, query: VerifiedQuery) -> bool:
    """Whether the values that the query compares with are asked for letter by letter."""
    return _literal_words(query) & known.raws <= asked.raws


def _literal_words(query: VerifiedQuery) -> frozenset[str]:
    return frozenset(
        word for literal in literals_of(query) for word in re.split(r"[\W_]+", literal) if word
    )


def _is_slip(asked: _Read, known: _Read, query: VerifiedQuery, model: SemanticModel | None) -> bool:
    """The same words but for one or two that look like slips of the pen, or in another order."""
    if len(asked.words) != len(known.words) or len(asked.kinds - known.kinds) > MOST_SLIPS:
        return False
    different = asked.bag - known.bag
    if different.total() > MOST_SLIPS:
        return False
    only_ours, only_theirs = list(different.elements()), list((known.bag - asked.bag).elements())
    protected = frozenset(word.text for word in (*asked.words, *known.words) if word.is_protected)
    if not (known.names <= asked.raws and asked.names <= known.raws):
        return False
    literal = _literal_words(query)
    protected |= literal | {singular(word) for word in literal}
    if protected & {*only_ours, *only_theirs} or not _has_values(asked, known, query):
        return False
    if asked.tied(protected) != known.tied(protected) or _numbers(asked) != _numbers(known):
        return False
    vocabulary = _vocabulary(model) if model is not None else frozenset()
    return all(
        any(_is_misspelt(word, other, vocabulary) for other in only_theirs) for word in only_ours
    )


def _numbers(read: _Read) -> list[str]:
    return [word.text for word in read.words if word.is_number]


def _is_misspelt(word: str, meant: str, vocabulary: frozenset[str]) -> bool:
    if word in vocabulary or singular(word) in vocabulary:
        return False
    if min(len(word), len(meant)) < SHORTEST_SLIP or word[0] != meant[0]:
        return False
    longer, shorter = sorted((word, meant), key=len, reverse=True)
    if any(longer == prefix + shorter for prefix in _NEGATING):
        return False
    return OSA.normalized_similarity(word, meant) >= LIKENESS


def _vocabulary(model: SemanticModel) -> frozenset[str]:
    """Words that stand for something in the data."""
    texts: list[str] = []
    for cube in model.cubes:
        texts += [cube.name, cube.title, *cube.synonyms]
        for measure in cube.measures:
            texts += [measure.name, measure.title, *measure.synonyms]
        for dimension in cube.dimensions:
            texts += [dimension.name, dimension.title, *dimension.synonyms, *dimension.values]
    return frozenset(
        word for text in texts for word in re.split(r"[\W_]+", text.casefold()) if word
    )
