"""A question cut into segments with the wide grammar: several best ways, best first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from aiser_app.planner import concepts, grammar
from aiser_app.planner.cues import (
    ADJECTIVES,
    CUE_PHRASES,
    FILLERS,
    NEUTRAL,
    PARTS,
    WEEKDAYS,
)
from aiser_app.planner.lexicon import LONGEST_PHRASE, Lexicon
from aiser_app.planner.linking import Cover, targets_of
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.verbs import is_neutral_verb
from aiser_app.planner.words import Token

_BEAM = 8
_LONGEST_CUE = 7
_CUE_SCORE = 0.97
_CONCEPT_SCORE = 0.82
_FILLER = 1.0
_WHOLE_NAME = 1.5
_PASSED_OVER = 9.0
_STRICT = (Kind.GROUP, Kind.NOT, Kind.CUE, Kind.EXTREME, Kind.AGGREGATE, Kind.DISTINCT, Kind.AND)
_CARRIERS = frozenset(
    [
        "with",
        "have",
        "has",
        "having",
        "had",
        "contain",
        "contains",
        "containing",
        "include",
        "includes",
    ]
)
_NAMES = frozenset(["name", "names", "title", "titles", "description", "subject", "label"])
_NEUTRAL = 0.4
_ADJECTIVES = {tuple(words.split()): found for words, found in ADJECTIVES.items()}
_PARTS = {tuple(words.split()): part for words, part in PARTS.items()}
_WEEKDAYS = {tuple(words.split()): values for words, values in WEEKDAYS.items()}


def cut(tokens: tuple[Token, ...], lexicon: Lexicon, today: date) -> list[Cover]:
    """The best ways to cut the question, best first."""
    by_start: dict[int, list[Segment]] = {}
    for at in range(len(tokens)):
        found = [*_links(tokens, at, lexicon), *_closed(tokens, at, today)]
        by_start[at] = [*found, _loose(tokens[at], at, is_cue=any(_is_strict(s) for s in found))]
    best: list[list[Cover]] = [[Cover(0.0, ())]] + [[] for _ in tokens]
    for at in range(len(tokens)):
        for segment in by_start[at]:
            for cover in best[at]:
                longer = Cover(cover.weight + segment.weight, (*cover.segments, segment))
                best[segment.end].append(longer)
        best[at + 1] = sorted(best[at + 1], key=lambda c: -c.weight)[:_BEAM]
    return best[-1]


def _links(tokens: tuple[Token, ...], at: int, lexicon: Lexicon) -> Iterator[Segment]:
    for end in range(at + 1, min(at + LONGEST_PHRASE, len(tokens)) + 1):
        part = tokens[at:end]
        if any(t.kind == "symbol" for t in part):
            return
        targets = targets_of(part, lexicon)
        if len(part) == 1 and (part[0].lower,) in CUE_PHRASES:
            targets = tuple(t for t in targets if t.kind != "value")
        concept = next(concepts.phrases_of(tuple(t.lower for t in part)), "")
        if not targets and not concept:
            continue
        top = max((t.score for t in targets), default=0.0)
        score = max(top, _CONCEPT_SCORE if concept else 0.0)
        text = " ".join(t.corrected_from or t.text for t in part)
        weight = grammar.weight_of(end - at, score) + (_WHOLE_NAME if end - at > 1 else 0.0)
        yield Segment(Kind.LINK, at, end, text, weight, targets=targets, concept=concept)


def _closed(tokens: tuple[Token, ...], at: int, today: date) -> Iterator[Segment]:
    after_at = at > 0 and tokens[at - 1].lower == "at"
    for read in grammar.WIDE_READERS:
        yield from (
            s
            for s in read(tokens, at)
            if not (after_at and s.kind is Kind.EXTREME)
            and not (s.kind is Kind.NUMBER and grammar.is_year(tokens, at))
        )
    yield from grammar.dates(tokens, at, today)
    yield from _match(tokens, at)
    for size in range(min(_LONGEST_CUE, len(tokens) - at), 0, -1):
        part = tokens[at : at + size]
        if all(t.kind in ("word", "symbol") for t in part):
            yield from _table(tuple(t.lower for t in part), tokens, at, size)


def _match(tokens: tuple[Token, ...], at: int) -> Iterator[Segment]:
    """As in "with rug or lamp in the name", "have 'valve' in their title"."""
    if tokens[at].lower not in _CARRIERS:
        return
    for end in range(at + 2, min(at + 9, len(tokens) - 1)):
        tail = tuple(t.lower for t in tokens[end : end + 3])
        size = next(
            (
                n
                for n in (3, 2)
                if tail[:1] == ("in",) and tail[n - 1 : n] and tail[n - 1] in _NAMES
            ),
            0,
        )
        if size:
            words = _split_words(tokens[at + 1 : end])
            text = " ".join(t.text for t in tokens[at : end + size])
            yield Segment(
                Kind.MATCH,
                at,
                end + size,
                text,
                grammar.weight_of(end + size - at, 1.2),
                values=words,
            )
            return


def _split_words(tokens: tuple[Token, ...]) -> tuple[str, ...]:
    found: list[list[str]] = [[]]
    for token in tokens:
        if token.lower in ("or", ",", "and"):
            found.append([])
        elif token.lower not in ("the", "a", "word", "either"):
            found[-1].append(token.text)
    return tuple(" ".join(words) for words in found if words)


def _table(
    words: tuple[str, ...], tokens: tuple[Token, ...], at: int, size: int
) -> Iterator[Segment]:
    text = " ".join(t.text for t in tokens[at : at + size])
    weight = grammar.weight_of(size, _CUE_SCORE)
    if words in CUE_PHRASES:
        weight += 2.0 if CUE_PHRASES[words] in ("any", "current") and size > 1 else 0.0
        yield Segment(Kind.CUE, at, at + size, text, weight, word=CUE_PHRASES[words])
    if words in concepts.NAMED_RATIOS:
        yield Segment(
            Kind.CUE, at, at + size, text, weight, word="named_ratio", concept=" ".join(words)
        )
    if words in _ADJECTIVES:
        yield _adjective(words, tokens, at, size)
    if words in _PARTS:
        yield Segment(Kind.PART, at, at + size, text, weight + 0.5, part=_PARTS[words])
    if words in _WEEKDAYS:
        yield Segment(Kind.WEEKDAY, at, at + size, text, weight, values=_WEEKDAYS[words])


def _adjective(words: tuple[str, ...], tokens: tuple[Token, ...], at: int, size: int) -> Segment:
    """A superlative, with the number right before it: "seven biggest"."""
    direction, concept = _ADJECTIVES[words]
    number = grammar.number_at(tokens, at + size)
    end, count = at + size, None
    if number is not None and not grammar.is_year(tokens, at + size):
        end, count = number
    text = " ".join(t.text for t in tokens[at:end])
    weight = grammar.weight_of(end - at, 1.0) + 0.2
    return Segment(
        Kind.EXTREME, at, end, text, weight, direction=direction, extreme="adjective",
        number=count, word=" ".join(words), concept=concept,
    )  # fmt: skip


def _is_strict(segment: Segment) -> bool:
    """A word of the grammar that must not be passed over as if it said nothing."""
    return segment.kind in _STRICT and segment.end == segment.start + 1


def _loose(token: Token, at: int, *, is_cue: bool) -> Segment:
    """The segment of a word that nothing else covers."""
    found = grammar.fallback(token, at)
    if is_cue:
        return replace(found, weight=found.weight - _PASSED_OVER)
    if found.kind is Kind.UNKNOWN and token.kind == "symbol" and token.text in ";()[]{}:":
        return Segment(Kind.FUNCTION, at, at + 1, token.text, 0.0, word=token.text)
    if found.kind is not Kind.UNKNOWN or token.kind != "word":
        return found
    if token.lower in FILLERS:
        return Segment(Kind.FUNCTION, at, at + 1, token.text, _FILLER, word=token.lower)
    if token.lower in NEUTRAL or is_neutral_verb(token.lower):
        return Segment(Kind.FUNCTION, at, at + 1, token.text, _NEUTRAL, word=token.lower)
    return found
