"""A reading in the making: what has been understood so far, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiser_app.domain.semantic_model import Aggregation, Dimension
from aiser_app.domain.semantic_query import DimensionRef, FilterOperator, Granularity
from aiser_app.planner.dates import DateSpan
from aiser_app.planner.join_paths import Path
from aiser_app.planner.reading import BoundWord
from aiser_app.planner.segments import Segment


@dataclass(slots=True)
class MeasureUse:
    """`member` is empty while the aggregation of a bare number is still to be chosen."""

    member: str
    dimension: Dimension | None = None
    aggregation: Aggregation | None = None
    extreme: bool = False
    """Stands right behind an extreme: "highest arrival delay"."""
    text: str = ""
    listed: bool = False
    """Joined to the figure before it by "and"."""


@dataclass(slots=True)
class GroupUse:
    refs: tuple[DimensionRef, ...]
    title: str
    path: Path
    cued: bool = False
    """Came with "by" or "per", not as the subject of a superlative."""


@dataclass(slots=True)
class FilterUse:
    member: str
    operator: FilterOperator
    values: list[str]
    role: str = ""
    title: str = ""
    unit: str = ""
    path: Path | None = None


@dataclass(slots=True)
class Draft:
    """Filled by the role automaton, completed and judged afterwards."""

    root: str
    measures: list[MeasureUse] = field(default_factory=list)
    groups: list[GroupUse] = field(default_factory=list)
    filters: list[FilterUse] = field(default_factory=list)
    grain: Granularity | None = None
    grain_cued: bool = False
    time_member: str = ""
    """Time dimension named by the question; empty means the default one."""
    last_aggregation: Aggregation | None = None
    spans: list[DateSpan] = field(default_factory=list)
    extreme: Segment | None = None
    limit: int | None = None
    descending: bool | None = None
    order_by_measure: bool = False
    order_by_group: bool = False
    entities: list[tuple[Segment, str]] = field(default_factory=list)
    """Mentions of cubes that are neither counted nor grouped by yet."""
    subjects: list[GroupUse] = field(default_factory=list)
    """Bare dimensions, which a superlative or a condition turns into groups."""
    asks_which: bool = False
    named_rows: GroupUse | None = None
    """How the rows of the root are called, for listing them."""
    counted_from_afar: str = ""
    """Words for things with a table of their own, counted by the references of another."""
    lists: bool = False
    """"list", "show", "which": naming things is answer enough."""
    bound: list[BoundWord] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    costs: dict[str, float] = field(default_factory=dict)
    """What lowers confidence, by reason."""
    margins: list[tuple[int, float, int]] = field(default_factory=list)
    """(segment start, lead over the next meaning, number of near meanings)."""
    rank_cost: float = 0.0
    """How far the chosen meanings lie behind the best ones: for ranking, not for confidence."""
    failure: str = ""

    def group_by_named_time(self) -> None:
        """Grouping by a point in time means by its day, unless a grain was asked for."""
        self.grain = self.grain or Granularity.DAY

    def fail(self, reason: str) -> None:
        self.failure = self.failure or reason

    def cost(self, reason: str, amount: float) -> None:
        self.costs[reason] = max(amount, self.costs.get(reason, 0.0))

    def assume(self, text: str) -> None:
        if text not in self.assumptions:
            self.assumptions.append(text)
