"""What one reading of a question has collected, before it becomes a query."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiser_app.domain.semantic_model import Aggregation, Dimension
from aiser_app.domain.semantic_query import (
    Condition,
    DimensionRef,
    Expression,
    FilterOperator,
    Granularity,
    RowExpression,
    TimePart,
)
from aiser_app.planner.dates import DateSpan
from aiser_app.planner.join_paths import Path
from aiser_app.planner.reading import BoundWord
from aiser_app.planner.segments import Segment


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: an expression with its name, and the measure of the model that is the same."""

    expression: Expression
    title: str
    measure: str = ""
    unit: str = ""
    is_percentage: bool = False
    cube: str = ""
    column: Dimension | None = None
    aggregation: Aggregation | None = None
    fold_said: bool = True
    """The aggregation was asked for, not chosen."""
    row: RowExpression | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Something to group by or to list."""

    refs: tuple[DimensionRef, ...]
    title: str
    path: Path
    cube: str = ""
    """The cube that is named, when it is an entity."""
    is_rows: bool = False
    """The rows of the root themselves."""
    is_nameless: bool = False
    """It has neither a name nor a key that refers to it: shown by what there is."""


@dataclass(frozen=True, slots=True)
class Having:
    figure: Figure
    operator: FilterOperator
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A time column and how it is reached."""

    member: str
    role: str = ""


@dataclass(slots=True)
class Sketch:
    """Filled from left to right. What it costs in confidence is kept by reason."""

    root: str
    figures: list[Figure] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    subject: Group | None = None
    context: list[str] = field(default_factory=list)
    """Cubes mentioned without a role of their own."""
    conditions: list[Condition] = field(default_factory=list)
    having: list[Having] = field(default_factory=list)
    outputs: list[DimensionRef] = field(default_factory=list)
    grain: Granularity | None = None
    part: TimePart | None = None
    moment: Moment | None = None
    """The time column that the question names."""
    spans: list[tuple[DateSpan, Moment | None]] = field(default_factory=list)
    extreme: Segment | None = None
    extreme_figure: Figure | None = None
    limit: int | None = None
    descending: bool | None = None
    order_by_name: bool = False
    order_figure: Figure | None = None
    lists: bool = False
    asks_which: bool = False
    counts: bool = False
    asks_how_much: bool = False
    per_rows: list[Group] = field(default_factory=list)
    """Groups of an average of totals: "average number of orders per customer"."""
    averaged: bool = False
    tied: set[str] = field(default_factory=set)
    """Verbs that tie phrases together and are nothing by themselves."""
    listed_from_afar: bool = False
    """The subject has a table of its own, and is reached from the root."""
    paths: list[Path] = field(default_factory=list)
    bound: list[BoundWord] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    costs: dict[str, float] = field(default_factory=dict)
    failure: str = ""

    def fail(self, reason: str) -> None:
        self.failure = self.failure or reason

    def cost(self, reason: str, amount: float) -> None:
        self.costs[reason] = max(amount, self.costs.get(reason, 0.0))

    def assume(self, text: str) -> None:
        if text not in self.assumptions:
            self.assumptions.append(text)

    def note(self, text: str, member: str, how: str, score: float) -> None:
        word = BoundWord(text=text, member=member, how=how, score=score)
        self.bound = [b for b in self.bound if b.text != text] + [word]


def bare(title: str) -> str:
    """What a figure is of: "share of flights" rather than "share of number of flights"."""
    return title.removeprefix("number of ").removeprefix("total ")
