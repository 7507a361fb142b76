"""How sure a reading is: 1 minus what every measured doubt costs."""

from __future__ import annotations

from aiser_app.planner.clauses.sketch import Sketch
from aiser_app.planner.linking import Cover
from aiser_app.planner.segments import Kind

_FULL_LINK = 0.95
_LINK_LOSS = 0.4
_WEAK_LINK_LOSS = 0.6
_FAIR_LINK = 0.68
_ONE_WORD = 0.3
_MEASURED = frozenset(("weight", "distance", "volume", "energy", "currency", "duration"))
_SURE = 0.9
_STRETCH = 1.8
_LOST_PHRASE = 0.15
_NO_NAME = 0.26
"""Nothing in the question is called as anything in the data."""
_JOIN_LOSS = 0.3
_PER_TABLE = 0.03
_ASSUMPTION_LOSS = 0.015
_PER_WEIGHT = 0.012
_PER_LOOSE_VERB = 0.025


def confidence(sketch: Sketch, cover: Cover) -> float:
    weakest: dict[str, float] = {}
    for word in sketch.bound:
        weakest[word.member] = max(word.score, weakest.get(word.member, 0.0))
    lost = sum(_link_loss(score) for score in weakest.values())
    if sum(s.kind not in (Kind.FUNCTION, Kind.AND) for s in cover.segments) < 2:
        lost += _ONE_WORD
    lost += sum(sketch.costs.values())
    content = [s for s in cover.segments if s.kind not in (Kind.FUNCTION, Kind.AND)]
    bare = len(content) < 4 and not (sketch.spans or sketch.groups or sketch.conditions)
    bare = bare and not any(s.kind in (Kind.DATE, Kind.GRAIN) for s in content)
    if (
        bare
        and any(s.concept in _MEASURED for s in content)
        and all(word.how in ("synonym", "unit") for word in sketch.bound)
    ):
        lost += _NO_NAME
    lost += _LOST_PHRASE * len(lost_phrases(sketch, cover))
    certainty = min((p.score for p in sketch.paths), default=1.0)
    lost += (1.0 - certainty) * _JOIN_LOSS
    lost += max(0, len({p.target for p in sketch.paths if p.joins}) - 1) * _PER_TABLE
    lost += _ASSUMPTION_LOSS * len(sketch.assumptions)
    loose = sum(1 for s in cover.segments if s.kind is Kind.FUNCTION and s.weight < 0.5)
    lost += _PER_LOOSE_VERB * max(0, loose - 1)
    return round(max(0.0, _stretched(1.0 - lost)), 3)


def _stretched(score: float) -> float:
    """Doubts weigh more than their sum once there are several: measured on the opened databases."""
    return score if score >= _SURE else _SURE - (_SURE - score) * _STRETCH


def lost_phrases(sketch: Sketch, cover: Cover) -> list[str]:
    """Phrases with a meaning that reached no part of the query."""
    used = {word.text for word in sketch.bound} | sketch.tied
    return [s.text for s in cover.segments if s.kind is Kind.LINK and s.text not in used]


def _link_loss(score: float) -> float:
    """One word of a longer name is only a hint."""
    rate = _LINK_LOSS if score >= _FAIR_LINK else _WEAK_LINK_LOSS
    return max(0.0, _FULL_LINK - score) * rate


def rank_of(sketch: Sketch, cover: Cover, score: float, top: float) -> float:
    """Confidence, minus how far the cover lies behind the best one and how far joins reach."""
    reach = sum(len(p.joins) for p in sketch.paths)
    return round(_raw(sketch, cover, score) - (top - cover.weight) * _PER_WEIGHT - 0.015 * reach, 6)


def _raw(sketch: Sketch, cover: Cover, score: float) -> float:
    """Below 0 readings still differ."""
    if score > 0:
        return score
    return -sum(sketch.costs.values())
