"""Closed-class grammars: aggregates, extremes, groups, grains, comparisons, negation, order, dates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from aiser_app.domain.semantic_query import FilterOperator, Granularity
from aiser_app.planner import vocabulary as words
from aiser_app.planner.dates import read_dates
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.words import Token

_PER_TOKEN = 10.0
_PER_EXTRA_TOKEN = 3.0
_FUNCTION_WEIGHT = 1.0
_UNKNOWN_WEIGHT = -8.0
_SCALES = {"k": 1e3, "m": 1e6, "bn": 1e9}
_SCALED = re.compile(r"(\d+)(k|m|bn)")


def weight_of(length: int, score: float = 1.0) -> float:
    """Longer stretches win over the same words taken apart."""
    return length * _PER_TOKEN * score + (length - 1) * _PER_EXTRA_TOKEN


def recognise(tokens: tuple[Token, ...], today: date) -> list[Segment]:
    """Every segment of the closed classes, at every position; overlaps are resolved later."""
    found: list[Segment] = []
    for at in range(len(tokens)):
        for read in _READERS:
            found.extend(read(tokens, at))
        found.extend(dates(tokens, at, today))
    return found


def fallback(token: Token, at: int) -> Segment:
    """The segment of a word that nothing else covers."""
    word = token.lower
    if token.kind == "symbol" and word in words.IGNORED_SYMBOLS:
        return Segment(Kind.FUNCTION, at, at + 1, token.text, 0.0, word=word)
    if token.kind == "word" and (word in words.FUNCTION_WORDS or token.stem in words.GENERIC_NOUNS):
        return Segment(Kind.FUNCTION, at, at + 1, token.text, _FUNCTION_WEIGHT, word=word)
    if token.kind == "quoted":
        return Segment(Kind.LITERAL, at, at + 1, token.text, _FUNCTION_WEIGHT, word=word)
    written = token.corrected_from or token.text
    return Segment(Kind.UNKNOWN, at, at + 1, written, _UNKNOWN_WEIGHT, word=word)


def _make(kind: Kind, tokens: tuple[Token, ...], at: int, end: int, **fields: Any) -> Segment:
    text = " ".join(t.text for t in tokens[at:end])
    weight = fields.pop("weight", weight_of(end - at))
    return Segment(kind, at, end, text, weight, **fields)


def _matches(tokens: tuple[Token, ...], at: int, phrase: tuple[str, ...]) -> bool:
    if at + len(phrase) > len(tokens):
        return False
    return all(
        tokens[at + i].kind != "quoted" and tokens[at + i].lower == word
        for i, word in enumerate(phrase)
    )


def _longest(
    tokens: tuple[Token, ...], at: int, phrases: Iterable[tuple[str, ...]]
) -> tuple[str, ...]:
    return max((p for p in phrases if _matches(tokens, at, p)), key=len, default=())


def _conjunction(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    word = tokens[at].lower
    if word in words.CONJUNCTIONS:
        yield _make(
            Kind.AND, tokens, at, at + 1, word=words.CONJUNCTIONS[word], weight=_FUNCTION_WEIGHT + 1
        )


def _aggregate(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    phrase = _longest(tokens, at, words.AGGREGATES)
    if not phrase:
        return
    yield _make(Kind.AGGREGATE, tokens, at, at + len(phrase), aggregation=words.AGGREGATES[phrase])


def _distinct(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    if tokens[at].lower in words.DISTINCT_WORDS:
        yield _make(Kind.DISTINCT, tokens, at, at + 1)


def _phrase(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    phrase = _longest(tokens, at, words.FUNCTION_PHRASES)
    if phrase:
        yield _make(Kind.FUNCTION, tokens, at, at + len(phrase), word=" ".join(phrase))


def number_at(tokens: tuple[Token, ...], at: int) -> tuple[int, float] | None:
    """(end, value) of a figure, with its thousands and "5k" forms."""
    if at >= len(tokens):
        return None
    token = tokens[at]
    if token.kind == "symbol" and token.text in words.UNIT_SYMBOLS:
        return number_at(tokens, at + 1)
    if token.lower == "a" and at + 1 < len(tokens) and tokens[at + 1].lower in ("dozen", "hundred"):
        return number_at(tokens, at + 1)
    if token.kind == "number":
        return _scaled(tokens, at + 1, float(token.text.replace(",", "")))
    if [t.lower for t in tokens[at : at + 3]][:2] == ["half", "a"] and at + 2 < len(tokens):
        scale = words.SCALE_WORDS.get(tokens[at + 2].stem)
        return (at + 3, scale / 2) if scale else None
    scaled = _SCALED.fullmatch(token.lower)
    if scaled:
        return at + 1, float(scaled.group(1)) * _SCALES[scaled.group(2)]
    if token.kind == "word" and token.lower in words.NUMBER_WORDS:
        return _scaled(tokens, at + 1, float(words.NUMBER_WORDS[token.lower]))
    return None


def _scaled(tokens: tuple[Token, ...], end: int, value: float) -> tuple[int, float]:
    """As in "2 million", "five thousand"."""
    scale = words.SCALE_WORDS.get(tokens[end].stem) if end < len(tokens) else None
    return (end + 1, value * scale) if scale else (end, value)


def _quantity(tokens: tuple[Token, ...], at: int) -> tuple[int, float, str] | None:
    """(end, value, unit word) of "60", "2 hours", "$100"."""
    hit = number_at(tokens, at)
    if hit is None:
        return None
    end, value = hit
    unit = words.UNIT_SYMBOLS.get(tokens[at].text, "")
    if not unit and end < len(tokens):
        token = tokens[end]
        if token.kind == "word" and (token.stem in words.UNITS or token.lower in words.UNITS):
            unit = token.stem if token.stem in words.UNITS else token.lower
            end += 1
    return end, value, unit


def _plain_number(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    hit = _quantity(tokens, at)
    if hit is not None:
        yield _make(Kind.NUMBER, tokens, at, hit[0], number=hit[1], unit=hit[2], weight=4.0)
        if hit[2]:
            yield _make(Kind.NUMBER, tokens, at, at + 1, number=hit[1], weight=3.0)


def _extreme(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    start, count = at, None
    leading = number_at(tokens, at)
    if leading is not None:
        count, at = leading[1], leading[0]
    if at >= len(tokens) or tokens[at].lower not in words.EXTREMES:
        return
    direction, extreme = words.EXTREMES[tokens[at].lower]
    end = at + 1
    following = number_at(tokens, end)
    if count is None and following is not None and not is_year(tokens, end):
        end, count = following
    if count is not None and (count < 1 or count != int(count)):
        return
    yield _make(
        Kind.EXTREME, tokens, start, end, direction=direction, extreme=extreme, number=count,
        word=tokens[at].lower,
    )  # fmt: skip


def is_year(tokens: tuple[Token, ...], at: int) -> bool:
    return at < len(tokens) and len(tokens[at].text) == 4 and tokens[at].text[:2] in ("19", "20")


def _group(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    phrase = _longest(tokens, at, words.GROUP_CUES)
    if phrase:
        yield _make(Kind.GROUP, tokens, at, at + len(phrase), weight=8.0 + len(phrase))


def _grain(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    word = tokens[at].lower
    if word in words.GRAIN_ADVERBS:
        yield _grain_of(tokens, at, at + 1, words.GRAIN_ADVERBS[word], True)
    if _matches(tokens, at, ("over", "time")):
        yield _make(
            Kind.GRAIN, tokens, at, at + 2, granularity=Granularity.MONTH, cued=True,
            assumption="“Over time” is shown by month.",
        )  # fmt: skip
    phrase = _longest(tokens, at, words.GROUP_CUES)
    noun = at + len(phrase)
    if phrase and noun < len(tokens) and tokens[noun].lower in ("the", "calendar"):
        noun += 1
    if noun < len(tokens) and tokens[noun].kind == "word" and tokens[noun].stem in words.GRAINS:
        yield _grain_of(tokens, at, noun + 1, words.GRAINS[tokens[noun].stem], bool(phrase))


def _grain_of(
    tokens: tuple[Token, ...], at: int, end: int, granularity: Granularity, cued: bool
) -> Segment:
    return _make(
        Kind.GRAIN, tokens, at, end, granularity=granularity, cued=cued,
        weight=weight_of(end - at) + 0.5,
    )  # fmt: skip


def _compare(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    phrase = _longest(tokens, at, words.COMPARISONS)
    if phrase:
        hit = _quantity(tokens, at + len(phrase))
        if hit is not None:
            operator = FilterOperator(words.COMPARISONS[phrase])
            yield _comparison(tokens, at, hit, operator)
    yield from _between(tokens, at)
    yield from _at_least_after(tokens, at)


def _comparison(
    tokens: tuple[Token, ...], at: int, hit: tuple[int, float, str], operator: FilterOperator
) -> Segment:
    return _make(
        Kind.COMPARE, tokens, at, hit[0], operator=operator, number=hit[1], unit=hit[2]
    )  # fmt: skip


def _between(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    first = _quantity(tokens, at + 1) if _matches(tokens, at, ("between",)) else None
    if first is None or not _matches(tokens, first[0], ("and",)):
        return
    second = _quantity(tokens, first[0] + 1)
    if second is not None and first[1] <= second[1]:
        yield _make(
            Kind.COMPARE, tokens, at, second[0], operator=FilterOperator.GTE, number=first[1],
            upper=second[1], unit=second[2] or first[2],
        )  # fmt: skip


def _at_least_after(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    """As in "60 or more", "60 minutes or less", "60+"."""
    hit = _quantity(tokens, at)
    if hit is None:
        return
    tails: Mapping[tuple[str, ...], FilterOperator] = {
        ("or", "more"): FilterOperator.GTE,
        ("or", "above"): FilterOperator.GTE,
        ("or", "over"): FilterOperator.GTE,
        ("or", "less"): FilterOperator.LTE,
        ("or", "fewer"): FilterOperator.LTE,
        ("or", "below"): FilterOperator.LTE,
        ("+",): FilterOperator.GTE,
    }
    for tail, operator in tails.items():
        if _matches(tokens, hit[0], tail):
            yield _comparison(tokens, at, (hit[0] + len(tail), hit[1], hit[2]), operator)


def _not(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    phrase = _longest(tokens, at, words.NEGATIONS)
    if phrase:
        yield _make(Kind.NOT, tokens, at, at + len(phrase))


def _order(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    phrase = _longest(tokens, at, words.ORDER_CUES)
    if phrase:
        yield _make(Kind.ORDER, tokens, at, at + len(phrase))
    direction = _longest(tokens, at, words.DIRECTIONS)
    if direction:
        yield _make(
            Kind.DIRECTION, tokens, at, at + len(direction), descending=words.DIRECTIONS[direction]
        )


def _unsupported(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    phrase = _longest(tokens, at, words.UNSUPPORTED)
    single = (tokens[at].stem,)
    if not phrase and tokens[at].kind == "word" and single in words.UNSUPPORTED:
        phrase = single
    if phrase:
        yield _make(
            Kind.UNSUPPORTED, tokens, at, at + len(phrase), word=words.UNSUPPORTED[phrase],
            weight=weight_of(len(phrase), 0.9),
        )  # fmt: skip


def dates(tokens: tuple[Token, ...], at: int, today: date) -> Iterator[Segment]:
    for end, span in read_dates(tokens, at, today):
        yield _make(Kind.DATE, tokens, at, end, span=span)


_READERS = (
    _phrase,
    _conjunction,
    _aggregate,
    _distinct,
    _plain_number,
    _extreme,
    _group,
    _grain,
    _compare,
    _not,
    _order,
    _unsupported,
)
WIDE_READERS = tuple(reader for reader in _READERS if reader is not _unsupported)
"""Without the refusals: for the grammar that computes those forms."""
