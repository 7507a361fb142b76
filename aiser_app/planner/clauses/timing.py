"""Cues about today and about time: late, overdue, still open, current."""

from __future__ import annotations

from aiser_app.domain.semantic_model import Aggregation, DimensionType
from aiser_app.domain.semantic_query import Filter, FilterGroup, FilterOperator
from aiser_app.planner.clauses.figuring import flag_condition, row_figure
from aiser_app.planner.clauses.placing import Placing
from aiser_app.planner.clauses.timeliness import (
    GONE,
    STILL,
    lateness,
    punctuality,
    still_there,
    valid_now,
)
from aiser_app.planner.gazetteer import true_value
from aiser_app.planner.measuring import name_words
from aiser_app.planner.segments import Segment

_UNUSED_COST = 0.35


class Timing(Placing):
    """Reads cues that compare with today or with a plan."""

    def _punctual(self, segment: Segment) -> None:
        """late, on time and overdue, by the dates of the root."""
        text = segment.text.lower()
        if "days" in text:
            days = lateness(self.root)
            if days is not None:
                figure = row_figure(
                    self.root, days, "days late", self.state.aggregation or Aggregation.AVG
                )
                self.sketch.figures.append(figure)
                self.sketch.note(segment.text, "days late", "name", 0.93)
                self.close("figure")
                self.state.aggregation, self.state.last_figure = None, figure
                return
        kind = "overdue" if text in ("overdue", "past due") else "early" if text == "early" else (
            "on time" if text in ("on time", "on schedule", "punctually", "in time") else "late"
        )  # fmt: skip
        condition = punctuality(self.root, kind, self.options.today.isoformat())
        if condition is None:
            self.sketch.cost(f"“{segment.text}” was not used", _UNUSED_COST)
            return
        if self.state.negated:
            condition = FilterGroup(conditions=(condition,), is_negated=True)
        self.sketch.conditions.append(condition)
        self.sketch.note(segment.text, "dates", "name", 0.93)
        self.close("flag")

    def _still(self, segment: Segment) -> None:
        """As in "Still open": by the date of the end, else by a flag or state of that name."""
        condition = still_there(self.root)
        if condition is not None:
            self.sketch.conditions.append(condition)
            self.sketch.note(segment.text, "dates", "name", 0.9)
            self.close("flag")
            return
        for dimension in self.root.dimensions:
            is_flag = dimension.type is DimensionType.BOOLEAN or true_value(dimension)
            words = name_words(dimension.name, dimension.title)
            if is_flag and words & (STILL | GONE):
                option = self._as_options(dimension.name)[0]
                self.sketch.conditions.append(flag_condition(option, is_true=bool(words & STILL)))
                self.sketch.note(segment.text, option.target.member, "name", 0.9)
                self.close("flag")
                return
        self._still_by_value(segment)

    def _still_by_value(self, segment: Segment) -> None:
        words = segment.text.lower()
        for dimension in self.root.dimensions:
            if not name_words(dimension.name, dimension.title) & {"status", "state"}:
                continue
            value = next(
                (v for v in dimension.values if v.lower() in STILL and v.lower() in words), ""
            )
            if value:
                member = f"{self.root.name}.{dimension.name}"
                self.add_value(
                    Filter(member=member, operator=FilterOperator.EQUALS, values=(value,))
                )
                self.sketch.note(segment.text, member, "value", 0.93)
                self.close("value")
                return
        self.sketch.cost(f"“{segment.text}” was not used", _UNUSED_COST)

    def _current(self, segment: Segment) -> None:
        """What is valid today, where the rows can be over; else it says nothing."""
        flag = next(
            (d for d in self.root.dimensions if name_words(d.name) >= {"is", "current"}), None
        )
        condition = valid_now(self.root, self.options.today.isoformat())
        if flag is not None:
            condition = flag_condition(self._as_options(flag.name)[0], is_true=True)
        if condition is None:
            self.sketch.cost("“now” was not used", 0.04)
        elif condition not in self.sketch.conditions:
            self.sketch.conditions.append(condition)
            self.sketch.assume("Only what is valid today counts.")
