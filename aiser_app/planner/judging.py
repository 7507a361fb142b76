"""Decides whether the best reading is sure enough; otherwise says what is in the way."""

from __future__ import annotations

from datetime import date

from aiser_app.domain.answer import Clarification
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.planner.candidates import Candidate, Findings, find_candidates
from aiser_app.planner.completion import NO_DATA
from aiser_app.planner.describing import Describer
from aiser_app.planner.lexicon import Lexicon
from aiser_app.planner.linking import respell
from aiser_app.planner.ranking import CLEAR_LEAD, parts_of
from aiser_app.planner.reading import ANSWER_FROM, Reading, Shape, Unreadable
from aiser_app.planner.segments import Kind
from aiser_app.planner.vocabulary import WIDELY_COMPUTED
from aiser_app.planner.words import Token, singular, tokenize

_MOST_READINGS = 4
WIDE = "wide"
"""The reason for no reading that only says: this is for the wide grammar."""
_SPELLING_COST = 0.1
_SHORT_SPELLING_COST = 0.3
_SHORT_WORD = 7


def judge(
    question: str, lexicon: Lexicon, today: date, *, offer: bool = True
) -> Reading | Unreadable:
    """The one reading that is clear enough. `offer` adds askable readings when none is."""
    tokens = respell(tokenize(question), lexicon)
    findings = find_candidates(tokens, lexicon, today)
    if not findings.candidates:
        return _unreadable(findings)
    best, rivals = findings.candidates[0], findings.candidates[1:]
    lead = best.rank - rivals[0].rank if rivals else 1.0
    cost = spelling_cost(tokens)
    reading = to_reading(best, lexicon, tokens, lead, cost)
    if reading.score >= ANSWER_FROM and lead >= CLEAR_LEAD:
        return reading
    near = [c for c in findings.candidates if best.rank - c.rank < CLEAR_LEAD]
    options = readings_as_questions(near, lexicon, today) if offer else ()
    text = "This can mean more than one thing. Which one?"
    if len(near) == 1:
        text = "I am not sure enough of my reading to run it. Is this what you mean?"
    return Unreadable(
        clarification=Clarification(question=text, options=options),
        bound=reading.bound,
        reason="ambiguous" if len(near) > 1 else "unsure",
    )


def spelling_cost(tokens: tuple[Token, ...]) -> float:
    fixed = [t for t in tokens if t.corrected_from]
    return sum(
        _SHORT_SPELLING_COST if len(t.lower) < _SHORT_WORD else _SPELLING_COST for t in fixed
    )


def readings_as_questions(
    candidates: list[Candidate], lexicon: Lexicon, today: date
) -> tuple[str, ...]:
    """Each reading as a question that reads back as exactly this query."""
    describer = Describer(lexicon.model, lexicon.paths)
    options: list[str] = []
    for candidate in candidates[:_MOST_READINGS]:
        text = describer.question(candidate.query)
        if text not in options and reads_as(text, candidate.query, lexicon, today):
            options.append(text)
    return tuple(options)


def reads_as(text: str, query: SemanticQuery, lexicon: Lexicon, today: date) -> bool:
    judged = judge(text, lexicon, today, offer=False)
    return isinstance(judged, Reading) and judged.query == query


def _unreadable(findings: Findings) -> Unreadable:
    unknown = _phrases(findings)
    bound = tuple(findings.partial.bound) if findings.partial else _linked(findings)
    beyond = {s: t for s, t in findings.unsupported.items() if t not in WIDELY_COMPUTED}
    apart = [s for s in beyond if not any(s in u for u in unknown)]
    things = " and ".join(dict.fromkeys(beyond[s] for s in apart))
    text = f"The built-in planner does not compute {things} yet." if things else ""
    if unknown:
        named = ", ".join(f"“{word}”" for word in unknown)
        text = f"{text} Nothing here is called {named}.".strip()
    elif things:
        pass
    else:
        why = findings.partial.failure if findings.partial else ""
        why = why or "no part of it names something in the data"
        text = f"I could not read this as one question: {why}."
        if why.startswith(NO_DATA):
            text = f"{why[0].upper()}{why[1:]}."
    is_wide = bool(findings.unsupported) and not beyond
    return Unreadable(
        clarification=Clarification(question=text, unknown_words=unknown),
        bound=bound if isinstance(bound, tuple) else (),
        unbound=unknown,
        reason="unknown words"
        if unknown
        else (WIDE if is_wide else "unsupported" if things else "unclear"),
    )


def _linked(findings: Findings) -> tuple[()]:
    return ()


def _phrases(findings: Findings) -> tuple[str, ...]:
    """Unknown words, neighbours joined: "crime rate" is one unknown thing."""
    phrases: list[str] = []
    last_end = -1
    for segment in findings.best_cover.segments if findings.best_cover else ():
        adjacent = segment.start == last_end and bool(phrases)
        if adjacent and segment.kind in (Kind.UNKNOWN, Kind.UNSUPPORTED):
            phrases[-1] += f" {segment.text}"
        elif segment.kind is Kind.UNKNOWN:
            phrases.append(segment.text)
        else:
            continue
        last_end = segment.end
    return tuple(dict.fromkeys(phrases))


def to_reading(
    candidate: Candidate, lexicon: Lexicon, tokens: tuple[Token, ...], lead: float, cost: float
) -> Reading:
    describer = Describer(lexicon.model, lexicon.paths)
    draft, query = candidate.draft, candidate.query
    for token in tokens:
        if token.corrected_from:
            draft.assume(f"“{token.corrected_from}” is read as “{token.lower}”.")
    content = [
        s for s in candidate.cover.segments if s.kind not in (Kind.FUNCTION, Kind.AND)
    ]  # fmt: skip
    groups = describer.group_phrases(query)
    return Reading(
        query=query,
        shape=shape_of(query, len(groups)),
        chips=describer.chips(query),
        bound=tuple(draft.bound),
        assumptions=tuple(draft.assumptions),
        parts=parts_of(draft, candidate.paths, len(content), len(content), lead),
        score=round(max(0.0, candidate.score - cost - (0.1 if lead < CLEAR_LEAD * 1.5 else 0)), 3),
        title=describer.title(query),
        superlative=draft.extreme.word if draft.extreme is not None else "",
        subject=singular(groups[-1]) if groups else "",
        measure_phrases=tuple(describer.measure_phrase(m) for m in query.measures),
        coverage=coverage_of(query, lexicon),
    )


def coverage_of(query: SemanticQuery, lexicon: Lexicon) -> tuple[str, str]:
    for time in query.time_dimensions:
        column = lexicon.model.find_dimension(time.dimension)
        if time.date_range and column is not None and column.minimum and column.maximum:
            return column.minimum[:10], column.maximum[:10]
    return "", ""


def shape_of(query: SemanticQuery, groups: int) -> Shape:
    """What the rows look like, and with that which chart suits."""
    if groups == 0:
        return "number"
    if not query.measures or groups > 2:
        return "table"
    grouped_by_time = any(t.granularity or t.part for t in query.time_dimensions)
    by_measure = bool(query.order) and query.order[0].member in query.measures
    in_own_order = bool(query.order) and groups == 1
    if (grouped_by_time or in_own_order) and not by_measure:
        return "series"
    return "ranking" if groups == 1 else "table"
