"""Every root and every way to cut the question is tried; the best complete reading wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from aiser_app.domain.semantic_model import Cube
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.planner.clauses import differences, periods, ratios, shares
from aiser_app.planner.clauses.assembling import Assembling
from aiser_app.planner.clauses.chunking import cut
from aiser_app.planner.clauses.completing import Completing
from aiser_app.planner.clauses.forms import Walks
from aiser_app.planner.clauses.options import Options
from aiser_app.planner.clauses.sketch import Sketch
from aiser_app.planner.clauses.timeliness import pair_of
from aiser_app.planner.clauses.weighing import confidence, rank_of
from aiser_app.planner.concepts import NAMED_RATIOS, concept_columns, product_of
from aiser_app.planner.lexicon import Lexicon
from aiser_app.planner.linking import Cover
from aiser_app.planner.measuring import name_words
from aiser_app.planner.resolving import is_number
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.words import Token, stem

_MOST_COVERS = 3
_COVER_SPAN = 8.0
_MOST_ROOTS = 12


@dataclass(frozen=True, slots=True)
class Attempt:
    """One complete reading. `rank` orders them, `score` is the confidence."""

    query: SemanticQuery
    sketch: Sketch
    cover: Cover
    score: float
    rank: float


@dataclass(slots=True)
class Tried:
    attempts: list[Attempt]
    cover: Cover | None
    failure: str = ""
    unknown: tuple[str, ...] = ()


def try_all(tokens: tuple[Token, ...], lexicon: Lexicon, today: date) -> Tried:
    covers = cut(tokens, lexicon, today)
    tried = Tried([], covers[0] if covers else None)
    if not covers:
        return tried
    tried.unknown = covers[0].unknown
    by_query: dict[SemanticQuery, Attempt] = {}
    named = mentioned(covers[0])
    options: dict[str, Options] = {}
    for cover in covers[:_MOST_COVERS]:
        if covers[0].weight - cover.weight > _COVER_SPAN:
            break
        for root in roots_of(cover, lexicon):
            cube = lexicon.model.find_cube(root)
            if cube is None:
                continue
            if root not in options:
                options[root] = Options(lexicon, cube, named, today)
            attempt = _attempt(cover, options[root], today, covers[0].weight, tried)
            if attempt is not None:
                known = by_query.get(attempt.query)
                if known is None or known.rank < attempt.rank:
                    by_query[attempt.query] = attempt
    tried.attempts = sorted(by_query.values(), key=lambda a: -a.rank)
    return tried


def roots_of(cover: Cover, lexicon: Lexicon) -> list[str]:
    """Cubes that the words touch, and those that supply what business words ask for."""
    strength: dict[str, float] = {}
    for segment in cover.segments:
        for name, score in _touched(segment, lexicon).items():
            strength[name] = strength.get(name, 0.0) + score
    linked = {
        name: points + sum(
            0.5 * strength[other] for other in strength
            if other != name and lexicon.paths.to(name, other)
        )
        for name, points in strength.items()
    }  # fmt: skip
    for cube in lexicon.model.cubes:
        if cube.name not in linked and cube.joins:
            reached = [o for o in strength if lexicon.paths.to(cube.name, o)]
            if reached:
                linked[cube.name] = 0.4 * sum(strength[o] for o in reached)
    return sorted(linked, key=lambda name: (-linked[name], name))[:_MOST_ROOTS]


def _touched(segment: Segment, lexicon: Lexicon) -> dict[str, float]:
    """Cubes that one phrase speaks of, with how clearly."""
    best: dict[str, float] = {}
    for target in segment.targets if segment.kind is Kind.LINK else ():
        bonus = 0.3 if target.kind == "cube" else 0.0
        best[target.cube] = max(best.get(target.cube, 0.0), target.score + bonus)
    is_form = segment.kind is Kind.CUE and segment.word in ("named_ratio", "punctual")
    for cube in lexicon.model.cubes if is_form or segment.concept else ():
        fit = 0.5 * _supplies(cube, segment) if is_form else _concept_fit(cube, segment.concept)
        if fit and not cube.is_hidden:
            best[cube.name] = max(best.get(cube.name, 0.0), fit)
    return best


def _concept_fit(cube: Cube, concept: str) -> float:
    columns = concept_columns(cube, concept)
    if columns:
        return columns[0][1]
    return 0.6 if product_of(cube, concept) is not None else 0.0


def _supplies(cube: Cube, segment: Segment) -> bool:
    """The columns of a ratio with a name of its own; planned and real dates for lateness."""
    if segment.word == "punctual":
        return pair_of(cube) is not None
    under = NAMED_RATIOS[tuple(segment.concept.split())][1]
    return any(stem(under) in name_words(d.name, d.title) for d in cube.dimensions if is_number(d))


def mentioned(cover: Cover) -> frozenset[str]:
    return frozenset(
        t.cube
        for s in cover.segments
        if s.kind is Kind.LINK
        for t in s.targets
        if t.kind == "cube" and t.score >= 0.9
    )


def _attempt(
    cover: Cover, options: Options, today: date, top: float, tried: Tried
) -> Attempt | None:
    def walks(segments: Sequence[Segment]) -> Completing:
        return Completing(options, options.root, segments)

    best: Attempt | None = None
    for read in (*FORMS, plain):
        walk = read(walks, cover.segments)
        if walk is None:
            continue
        query = None if walk.sketch.failure else Assembling(walk, today).query()
        if query is None or walk.sketch.failure:
            tried.failure = tried.failure or walk.sketch.failure
            continue
        score = confidence(walk.sketch, cover)
        found = Attempt(query, walk.sketch, cover, score, rank_of(walk.sketch, cover, score, top))
        if best is None or found.rank > best.rank:
            best = found
    return best


def plain(walks: Walks, segments: Sequence[Segment]) -> Completing:
    walk = walks(segments)
    walk.run()
    if not walk.sketch.failure:
        walk.complete()
    return walk


FORMS = (
    shares.share, shares.rate, ratios.named_ratio, ratios.ratio, differences.difference, periods.growth,
    periods.compare, periods.window,
)  # fmt: skip
"""Each returns nothing when its cue is missing or its operands are."""
