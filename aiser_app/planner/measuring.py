"""From aggregation words and what they stand before to measures of the root cube."""

from __future__ import annotations

from dataclasses import replace

from aiser_app.domain.semantic_model import Aggregation, Cube, Dimension, Measure
from aiser_app.planner.draft import Draft, MeasureUse
from aiser_app.planner.lexicon import own_key
from aiser_app.planner.picking import Picker
from aiser_app.planner.resolving import Option, Resolver, is_number
from aiser_app.planner.segments import Segment
from aiser_app.planner.thesaurus import ABBREVIATIONS, ADDITIVE, BAD_WHEN_HIGH, INTENSIVE
from aiser_app.planner.words import split_name, stem

_COUNTED_FROM_AFAR = 0.2
"""Things are counted in their own cube; by reference only when the question ties them to rows."""


_OWN_NAME = 0.9


class Measuring:
    """Adds measures to a draft; only measures that the model defines."""

    def __init__(self, resolver: Resolver, root: Cube, picker: Picker) -> None:
        self._resolver = resolver
        self._root = root
        self._picker = picker

    @property
    def _draft(self) -> Draft:
        return self._picker.draft

    def aggregate(self, segment: Segment, aggregation: Aggregation, distinct: bool) -> bool:
        """As in "average arrival delay", "number of carriers"."""
        if aggregation is Aggregation.COUNT:
            return self.count(segment, distinct)
        numbers = self._own(self._resolver.numbers(segment))
        if numbers:
            chosen = self._picker.pick(segment, numbers)
            return self._add(segment, chosen.dimension, aggregation)
        rows = [o for o in self._resolver.entities(segment) if not o.path.joins]
        if aggregation is Aggregation.SUM and rows:
            return self.count(segment, distinct)
        self._draft.fail(f"the {aggregation} of “{segment.text}” is not one figure of the data")
        return False

    def count(self, segment: Segment, distinct: bool) -> bool:
        """Rows of the root, or different things that its rows refer to."""
        options = self._countable(segment)
        if not options:
            self._draft.fail(f"“{segment.text}” cannot be counted here")
            return False
        chosen = self._picker.pick(segment, options)
        if chosen.target.kind == "cube" and not chosen.path.joins:
            return self._add_member(segment, find_measure(self._root, Aggregation.COUNT, ""))
        if any(t.kind == "cube" and t.score >= _OWN_NAME for t in segment.targets):
            self._draft.counted_from_afar = segment.text
        dimension = chosen.dimension
        if chosen.path.joins:
            dimension = own_key(self._root, chosen.path.joins[0].columns)
        if dimension is None:
            return False
        if is_number(dimension) and not distinct and is_additive(dimension):
            self._draft.assume(f"“{segment.text}” is the sum of the column {dimension.title}.")
            return self._add(segment, dimension, Aggregation.SUM)
        if is_number(dimension) and not distinct:
            self._draft.cost("a number is counted", 0.3)
        return self._add(segment, dimension, Aggregation.COUNT_DISTINCT)

    def _countable(self, segment: Segment) -> list[Option]:
        entities = [
            replace(o, score=o.score - _COUNTED_FROM_AFAR * len(o.path.joins))
            for o in self._resolver.entities(segment)
            if len(o.path.joins) <= 1
        ]
        own = self._own(self._resolver.dimensions(segment))
        rows = max((o.score for o in entities if not o.path.joins), default=0.0)
        own = [o for o in own if o.score > rows]
        keys = {own_key(self._root, o.path.joins[0].columns) for o in entities if o.path.joins}
        own = [o for o in own if o.dimension not in keys]
        return sorted([*entities, *own], key=lambda o: -o.score)

    def _own(self, options: list[Option]) -> list[Option]:
        """Only columns of the root: across a join rows repeat, and sums and averages with them."""
        return [o for o in options if not o.path.joins]

    def bare(self, segment: Segment, *, after_extreme: bool = False) -> bool:
        """A figure without an aggregation word; what folds it is chosen at the end."""
        measures = self._resolver.measures(segment)
        numbers = self._own(self._resolver.numbers(segment))
        if measures and (not numbers or measures[0].score >= numbers[0].score):
            self._picker.note(segment, measures[0])
            found = self._root.find_measure(measures[0].target.name)
            return self._add_member(segment, found)
        if not numbers:
            return False
        chosen = self._picker.pick(segment, numbers)
        self._draft.measures.append(
            MeasureUse("", chosen.dimension, extreme=after_extreme, text=segment.text)
        )
        return True

    def left_over(self, aggregation: Aggregation) -> None:
        """As in "count by carrier" counts rows; any other aggregation needs its column."""
        count = find_measure(self._root, Aggregation.COUNT, "")
        if aggregation is Aggregation.COUNT and count is not None and not self._draft.measures:
            self._draft.measures.append(MeasureUse(f"{self._root.name}.{count.name}"))
            self._draft.cost("what is counted is not said", 0.1)
            return
        self._draft.last_aggregation = aggregation
        self._draft.fail("an aggregation without its column")

    def _add(self, segment: Segment, dimension: Dimension | None, aggregation: Aggregation) -> bool:
        if dimension is None:
            return False
        return self._add_member(segment, find_measure(self._root, aggregation, dimension.column))

    def _add_member(self, segment: Segment, measure: Measure | None) -> bool:
        if measure is None:
            self._draft.fail(f"the model has no such measure of “{segment.text}”")
            return False
        member = f"{self._root.name}.{measure.name}"
        if all(m.member != member for m in self._draft.measures):
            self._draft.measures.append(
                MeasureUse(member, aggregation=measure.aggregation, text=segment.text)
            )
        return True


def find_measure(cube: Cube, aggregation: Aggregation, column: str) -> Measure | None:
    return next(
        (m for m in cube.measures if m.aggregation is aggregation and m.column == column), None
    )


def name_words(*names: str) -> set[str]:
    """Singular words of names, abbreviations spelt out as well."""
    plain = {stem(w) for name in names for w in split_name(name)}
    return plain | {part for w in plain for part in ABBREVIATIONS.get(w, "").split()}


def is_additive(dimension: Dimension) -> bool:
    words = name_words(dimension.name, dimension.title)
    return bool(words & ADDITIVE) and not words & INTENSIVE


def default_aggregation(dimension: Dimension) -> Aggregation | None:
    """How a column is folded when the question does not say; None when it could be either."""
    words = name_words(dimension.name, dimension.title)
    if words & INTENSIVE:
        return Aggregation.AVG
    return Aggregation.SUM if words & ADDITIVE else None


def is_bad_when_high(cube: Cube, measure: Measure) -> bool:
    words = name_words(measure.column or cube.name, measure.title)
    return bool(words & BAD_WHEN_HIGH)
