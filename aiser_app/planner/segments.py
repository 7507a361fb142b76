"""A stretch of the question with one meaning: the unit that covers are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aiser_app.domain.semantic_model import Aggregation
from aiser_app.domain.semantic_query import FilterOperator, Granularity, TimePart
from aiser_app.planner.dates import DateSpan
from aiser_app.planner.lexicon import Target


class Kind(StrEnum):
    FUNCTION = "function"
    UNKNOWN = "unknown"
    AND = "and"
    AGGREGATE = "aggregate"
    DISTINCT = "distinct"
    EXTREME = "extreme"
    GROUP = "group"
    GRAIN = "grain"
    COMPARE = "compare"
    NUMBER = "number"
    NOT = "not"
    DATE = "date"
    ORDER = "order"
    DIRECTION = "direction"
    LINK = "link"
    LITERAL = "literal"
    UNSUPPORTED = "unsupported"
    CUE = "cue"
    """A word of the wide grammar; `word` is its class."""
    PART = "part"
    WEEKDAY = "weekday"
    MATCH = "match"
    """Words that a name is to contain; `values`."""


@dataclass(frozen=True, slots=True)
class Segment:
    """`weight` is what it adds to a cover; the other fields belong to its kind."""

    kind: Kind
    start: int
    end: int
    text: str
    weight: float
    word: str = ""
    """Lower-case word of a function word or conjunction; reason of something unsupported."""
    aggregation: Aggregation | None = None
    direction: str = ""
    """high, low, best or worst."""
    extreme: str = ""
    """What the extreme word can stand before: count, number or pick."""
    descending: bool = False
    number: float | None = None
    """Count of a top-n, or the number of a comparison."""
    upper: float | None = None
    """Second number of "between 10 and 20"."""
    unit: str = ""
    operator: FilterOperator = FilterOperator.EQUALS
    granularity: Granularity | None = None
    cued: bool = False
    """The grain came with its own group cue: "by month", "monthly"."""
    span: DateSpan | None = None
    targets: tuple[Target, ...] = ()
    assumption: str = ""
    concept: str = ""
    """Kind of figure that business words ask for: money, spend, duration …"""
    part: TimePart | None = None
    values: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        return self.end - self.start
