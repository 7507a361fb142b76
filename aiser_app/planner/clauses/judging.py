"""A rich question judged: the reading that is sure enough, or what stands in its way."""

from __future__ import annotations

from datetime import date

from aiser_app.domain.answer import Clarification, ConfidencePart
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.planner.clauses.attempts import Attempt, Tried, try_all
from aiser_app.planner.clauses.variants import command_of, variants
from aiser_app.planner.describing import Describer
from aiser_app.planner.judging import coverage_of, shape_of, spelling_cost
from aiser_app.planner.lexicon import Lexicon
from aiser_app.planner.linking import respell
from aiser_app.planner.reading import ANSWER_FROM, Reading, Unreadable
from aiser_app.planner.words import Token, singular, tokenize

_NEAR = 0.06
_RIVAL_COST = 0.2
_OFFERED_FROM = 0.5
_OFFERED_WITHIN = 0.2
"""Of the best rank: what is further away is not another meaning but a worse reading."""
_MOST_OFFERED = 3


def judge_rich(question: str, lexicon: Lexicon, today: date) -> Reading | Unreadable:
    verb = command_of(question)
    if verb:
        return _refused_command(verb)
    first: Unreadable | None = None
    for text, cost in variants(question):
        judged = _judge_text(text, lexicon, today, cost)
        if isinstance(judged, Reading):
            return judged
        first = first or judged
    return first or _refused_command("")


def _judge_text(text: str, lexicon: Lexicon, today: date, cost: float) -> Reading | Unreadable:
    tokens = respell(tokenize(text), lexicon)
    tried = try_all(tokens, lexicon, today)
    if not tried.attempts:
        return _unreadable(tried)
    best = tried.attempts[0]
    cost += spelling_cost(tokens)
    cost += _rivalry(best, tried, lexicon)
    score = round(max(0.0, best.score - cost), 3)
    if score >= ANSWER_FROM:
        return to_reading(best, lexicon, tokens, score)
    return _unsure(best, tried)


def rich_readings(question: str, lexicon: Lexicon, today: date) -> tuple[Reading, ...]:
    """Readings worth offering, the likeliest first: every word has a meaning in them."""
    found: dict[SemanticQuery, Reading] = {}
    for text, cost in variants(question):
        tokens = respell(tokenize(text), lexicon)
        attempts = try_all(tokens, lexicon, today).attempts[:_MOST_OFFERED]
        for attempt in attempts:
            score = round(attempt.score - cost - spelling_cost(tokens), 3)
            is_near = attempts[0].rank - attempt.rank <= _OFFERED_WITHIN
            if score >= _OFFERED_FROM and is_near and not attempt.sketch.unknown:
                found.setdefault(attempt.query, to_reading(attempt, lexicon, tokens, score))
    return tuple(found.values())[:_MOST_OFFERED]


def _rivalry(best: Attempt, tried: Tried, lexicon: Lexicon) -> float:
    """Another table that has nothing to do with the chosen one explains the words as well."""
    for other in tried.attempts[1:]:
        if best.rank - other.rank >= _NEAR:
            return 0.0
        roots = (best.sketch.root, other.sketch.root)
        related = lexicon.paths.to(*roots) or lexicon.paths.to(*reversed(roots))
        if roots[0] != roots[1] and not related and other.score >= ANSWER_FROM:
            return _RIVAL_COST
    return 0.0


def _refused_command(verb: str) -> Unreadable:
    text = f"I only read data: I cannot {verb} anything. Ask me what the data says instead."
    return Unreadable(clarification=Clarification(question=text), reason="command")


def to_reading(
    attempt: Attempt, lexicon: Lexicon, tokens: tuple[Token, ...], score: float
) -> Reading:
    describer = Describer(lexicon.model, lexicon.paths)
    sketch, query = attempt.sketch, attempt.query
    for token in tokens:
        if token.corrected_from:
            sketch.assume(f"“{token.corrected_from}” is read as “{token.lower}”.")
    groups = describer.group_phrases(query)
    return Reading(
        query=query,
        shape=shape_of(query, len(groups)),
        chips=describer.chips(query),
        bound=tuple(sketch.bound),
        assumptions=tuple(sketch.assumptions),
        parts=parts_of(attempt),
        score=score,
        title=describer.title(query),
        superlative=sketch.extreme.word if sketch.extreme is not None else "",
        subject=singular(groups[-1]) if groups else "",
        measure_phrases=tuple(describer.figure_phrase(query, m) for m in query.measures),
        coverage=coverage_of(query, lexicon),
    )


def parts_of(attempt: Attempt) -> tuple[ConfidencePart, ...]:
    sketch = attempt.sketch
    total = len(sketch.bound) + len(sketch.unknown)
    linked = ConfidencePart(
        name="Words linked to the model", measured=f"{len(sketch.bound)} of {total}",
        score=round(len(sketch.bound) / total, 2) if total else 1.0,
    )  # fmt: skip
    doubts = tuple(
        ConfidencePart(
            name=reason[:1].upper() + reason[1:],
            measured=f"-{amount:.2f}",
            score=round(max(0.0, 1 - amount), 2),
        )
        for reason, amount in sketch.costs.items()
    )
    return (linked, *doubts)


def _unreadable(tried: Tried) -> Unreadable:
    named = ", ".join(f"“{word}”" for word in tried.unknown)
    why = tried.failure or "no part of it names something in the data"
    text = (
        f"Nothing here is called {named}."
        if named
        else f"I could not read this as one question: {why}."
    )
    if why.startswith("the data has n"):
        text = f"{why[0].upper()}{why[1:]}."
    return Unreadable(
        clarification=Clarification(question=text, unknown_words=tried.unknown),
        unbound=tried.unknown, reason="unknown words" if named else "unclear",
    )  # fmt: skip


def _unsure(best: Attempt, tried: Tried) -> Unreadable:
    sketch = best.sketch
    unknown = tuple(dict.fromkeys(sketch.unknown))
    if unknown:
        named = ", ".join(f"“{word}”" for word in unknown)
        text = f"Nothing here is called {named}."
    else:
        reasons = "; ".join(sketch.costs) or "several words fit only in part"
        text = f"I am not sure enough of my reading to run it: {reasons}."
    return Unreadable(
        clarification=Clarification(question=text, unknown_words=unknown), unbound=unknown,
        bound=tuple(sketch.bound), reason="unknown words" if unknown else "unsure",
    )  # fmt: skip
