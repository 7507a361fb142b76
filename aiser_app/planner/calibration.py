"""How often readings of a kind were right: a confidence that was measured, not set.

A logistic regression over a few things that can be seen in a reading, trained by `python -m
tests.evals.fit` on labelled questions and judged by leaving out one database at a time; see
docs/decisions/0019-planner.md. The coefficients are a file of ten numbers that anybody can read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from aiser_app.domain.answer import ConfidencePart
from aiser_app.domain.semantic_query import Filter, PerGroup, SemanticQuery, Windowed
from aiser_app.planner.reading import Reading
from aiser_app.planner.words import tokenize

_FILE = Path(__file__).with_name("calibration.json")
_PLAIN = "Ahead of other readings"
"""The part that only the narrow grammar measures."""
_MOST_WORDS, _MOST_CUBES, _MOST_CONDITIONS, _MOST_SYNONYMS = 20, 3, 4, 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Weights by feature for standardized values: (value - mean) / deviation."""

    intercept: float
    weights: Mapping[str, float]
    means: Mapping[str, float]
    deviations: Mapping[str, float]
    caution: float
    """Taken off the logit: on schemas that nobody had in mind readings are right less often."""

    def probability(self, features: Mapping[str, float]) -> float:
        """From 0 to 1."""
        logit = self.intercept - self.caution
        for name, weight in self.weights.items():
            logit += weight * (features[name] - self.means[name]) / self.deviations[name]
        return 1.0 / (1.0 + math.exp(-logit))


@cache
def calibration() -> Calibration:
    """As trained; read once."""
    data = json.loads(_FILE.read_text(encoding="utf-8"))
    return Calibration(**{field.name: data[field.name] for field in fields(Calibration)})


def calibrated(question: str, reading: Reading) -> Reading:
    """The reading with a measured confidence, and what that is made of.

    What the narrow grammar has read, every word of it and clear of other readings, keeps its own.
    """
    if is_plain(reading):
        return reading
    chance = round(calibration().probability(features_of(question, reading)), 3)
    part = ConfidencePart(
        name="Readings of this kind", measured=f"{chance:.0%} right in tests", score=chance
    )
    return replace(reading, score=chance, parts=(*reading.parts, part))


def is_plain(reading: Reading) -> bool:
    return any(part.name == _PLAIN for part in reading.parts)


def features_of(question: str, reading: Reading) -> dict[str, float]:
    """What is seen of a reading, as numbers of about the same size."""
    query = reading.query
    words = sum(token.kind == "word" for token in tokenize(question))
    loss = max(0.0, 1.0 - reading.score)
    items = list(_walk(query))
    cubes = {name.partition(".")[0] for name in _members(items) if "." in name}
    return {
        "loss": 10 * loss,
        "loss_root": 3 * math.sqrt(loss),
        "cubes": float(min(_MOST_CUBES, max(0, len(cubes) - 1))),
        "conditions": float(min(_MOST_CONDITIONS, sum(isinstance(i, Filter) for i in items))),
        "words": min(_MOST_WORDS, words) / 5,
        "synonyms": float(
            min(_MOST_SYNONYMS, sum(word.how == "synonym" for word in reading.bound))
        ),
        "across_groups": float(
            bool(query.limit_by) or any(isinstance(i, Windowed | PerGroup) for i in items)
        ),
        "linked": sum(len(word.text.split()) for word in reading.bound) / max(1, words),
        "values": float(any(word.how == "value" for word in reading.bound)),
    }


def _walk(item: Any) -> Iterator[Any]:
    """Everything that a query consists of; as deep as a planner builds them."""
    if isinstance(item, tuple):
        for part in item:
            yield from _walk(part)
    elif is_dataclass(item):
        if not isinstance(item, SemanticQuery):
            yield item
        for field in fields(item):
            yield from _walk(getattr(item, field.name))
    elif isinstance(item, str):
        yield item


def _members(items: list[Any]) -> Iterator[str]:
    """Texts that can be names of members: a cube, a dot, a name."""
    for item in items:
        if isinstance(item, str) and item.count(".") == 1 and not item[:1].isdigit():
            yield item
