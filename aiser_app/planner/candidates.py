"""All readings of a question: covers times root cubes times near meanings, judged and ranked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.planner.completion import Completion
from aiser_app.planner.draft import Draft
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import Lexicon
from aiser_app.planner.linking import Cover, covers
from aiser_app.planner.picking import Picker
from aiser_app.planner.ranking import score_of
from aiser_app.planner.resolving import Resolver
from aiser_app.planner.roles import Roles
from aiser_app.planner.segments import Kind
from aiser_app.planner.words import Token

_MOST_COVERS = 6
_COVER_SPAN = 14.0
_MOST_ROOTS = 6
_PER_WEIGHT = 0.02
_WEAKEST_ROOT = 0.55


@dataclass(frozen=True, slots=True)
class Candidate:
    """One complete reading. `rank` orders candidates, `score` is what the person is told."""

    query: SemanticQuery
    draft: Draft
    completion: Completion
    cover: Cover
    paths: tuple[Path, ...]
    score: float
    rank: float


@dataclass(slots=True)
class Findings:
    """Candidates, best first; without any, what stood in the way."""

    candidates: list[Candidate] = field(default_factory=list)
    unknown: tuple[str, ...] = ()
    unsupported: dict[str, str] = field(default_factory=dict)
    """What is asked for and not computed yet, by the words that ask for it."""
    best_cover: Cover | None = None
    partial: Draft | None = None
    """The draft that got furthest, for telling what was understood."""


def find_candidates(tokens: tuple[Token, ...], lexicon: Lexicon, today: date) -> Findings:
    found = covers(tokens, lexicon, today)
    findings = Findings(best_cover=found[0] if found else None)
    readable = [c for c in found if not c.unknown and not c.unsupported]
    if not readable:
        if found:
            findings.unknown, findings.unsupported = found[0].unknown, found[0].unsupported
        return findings
    top = readable[0].weight
    by_query: dict[SemanticQuery, Candidate] = {}
    for cover in readable[:_MOST_COVERS]:
        if top - cover.weight > _COVER_SPAN:
            break
        for root in roots_of(cover):
            for candidate in _read(cover, root, lexicon, today, top, findings):
                known = by_query.get(candidate.query)
                if known is None or known.rank < candidate.rank:
                    by_query[candidate.query] = candidate
    if not by_query:
        findings.unsupported = found[0].unsupported
    findings.candidates = sorted(by_query.values(), key=lambda c: -c.rank)
    return findings


def roots_of(cover: Cover) -> list[str]:
    """Cubes that the question touches, those named most clearly first."""
    strength: dict[str, float] = {}
    for segment in cover.segments:
        for target in segment.targets if segment.kind is Kind.LINK else ():
            if target.score >= _WEAKEST_ROOT:
                weight = target.score + (0.5 if target.kind == "cube" else 0.0)
                strength[target.cube] = strength.get(target.cube, 0.0) + weight
    return sorted(strength, key=lambda name: (-strength[name], name))[:_MOST_ROOTS]


def mentioned(cover: Cover) -> frozenset[str]:
    return frozenset(
        t.cube
        for s in cover.segments
        if s.kind is Kind.LINK
        for t in s.targets
        if t.kind == "cube" and t.score >= 0.9
    )


def _read(
    cover: Cover, root: str, lexicon: Lexicon, today: date, top: float, findings: Findings
) -> list[Candidate]:
    """The plain reading under this root, and one more for each near second meaning."""
    first = _attempt(cover, root, lexicon, today, {}, top, findings)
    if first is None:
        return []
    found = [first]
    for key, _, count in first.draft.margins:
        for rank in range(1, min(count, 4)):
            other = _attempt(cover, root, lexicon, today, {key: rank}, top, findings)
            if other is not None:
                found.append(other)
    return found


def _attempt(
    cover: Cover,
    root: str,
    lexicon: Lexicon,
    today: date,
    overrides: dict[int, int],
    top: float,
    findings: Findings,
) -> Candidate | None:
    cube = lexicon.model.find_cube(root)
    if cube is None:
        return None
    resolver = Resolver(lexicon, cube, mentioned(cover))
    draft = Roles(resolver, cube, cover, overrides).run()
    completion = Completion(lexicon, cube, Picker(draft, overrides), today)
    query = None if draft.failure else completion.complete()
    if query is None or draft.failure:
        if findings.partial is None or len(draft.bound) > len(findings.partial.bound):
            findings.partial = draft
        return None
    paths = [g.path for g in draft.groups] + [f.path for f in draft.filters if f.path is not None]
    if completion.time_path is not None:
        paths.append(completion.time_path)
    if sum(s.kind not in (Kind.FUNCTION, Kind.AND) for s in cover.segments) < 2:
        draft.cost("one word is hardly a question", 0.25)
    score = score_of(draft, paths)
    rank = score - draft.rank_cost - (top - cover.weight) * _PER_WEIGHT
    return Candidate(query, draft, completion, cover, tuple(paths), score, rank)
