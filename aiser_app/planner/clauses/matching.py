"""Texts that names contain, and days of the week."""

from __future__ import annotations

from typing_extensions import override

from aiser_app.domain.semantic_model import DimensionType
from aiser_app.domain.semantic_query import (
    Filter,
    FilterOperator,
    TimePart,
)
from aiser_app.planner.clauses.restricting import Restricting
from aiser_app.planner.measuring import name_words
from aiser_app.planner.segments import Segment

_TEXTS = frozenset(["comment", "text", "note", "notes", "description", "message", "body", "remark"])


class Matching(Restricting):
    """Conditions on texts and weekdays."""

    @override
    def match_text(self, text: str) -> None:
        """A text in the column named before, else in what names the rows."""
        operator = self.state.match or FilterOperator.EQUALS
        option = self.state.last_option
        dimension = option.dimension if option is not None else None
        member, role = "", ""
        if option is not None and dimension is not None and dimension.type is DimensionType.STRING:
            member, role = option.target.member, option.role
            if operator is FilterOperator.EQUALS and dimension.values and not dimension.is_sampled:
                self.sketch.fail(f"no column holds “{text}”")
        else:
            label = next((d for d in self.root.dimensions if name_words(d.name) & _TEXTS), None)
            label = label or next((d for d in self.root.dimensions if d.is_label), None)
            label = label or next(
                (d for d in self.root.dimensions if "name" in name_words(d.name)), None
            )
            member = f"{self.root.name}.{label.name}" if label is not None else ""
        if not member:
            self.sketch.fail(f"no column to look for “{text}” in")
            return
        if self.state.negated:
            operator = {
                FilterOperator.CONTAINS: FilterOperator.NOT_CONTAINS,
                FilterOperator.EQUALS: FilterOperator.NOT_EQUALS,
            }.get(operator, operator)
        self.sketch.conditions.append(
            Filter(member=member, role=role, operator=operator, values=(text,))
        )
        self.sketch.note(text, member, "text", 0.95)
        self.state.match = None
        self.close("value", option)

    def _on_match(self, segment: Segment) -> None:
        """As in "with rug or lamp in the name"."""
        label = next((d for d in self.root.dimensions if d.is_label), None)
        named = [t for t in segment.targets if t.kind == "dimension" and t.cube == self.root.name]
        member = named[0].member if named else f"{self.root.name}.{label.name}" if label else ""
        if not member:
            self.sketch.fail(f"no column to look for “{segment.text}” in")
            return
        operator = FilterOperator.NOT_CONTAINS if self.state.negated else FilterOperator.CONTAINS
        self.sketch.conditions.append(
            Filter(member=member, operator=operator, values=segment.values)
        )
        self.sketch.note(segment.text, member, "text", 0.95)
        self.close("value")

    def _on_weekday(self, segment: Segment) -> None:
        moment = self.state.last_moment or self.default_moment()
        if moment is None:
            self.sketch.fail(f"there is no date for “{segment.text}”")
            return
        operator = FilterOperator.NOT_EQUALS if self.state.negated else FilterOperator.EQUALS
        self.sketch.conditions.append(
            Filter(
                member=moment.member,
                role=moment.role,
                operator=operator,
                values=segment.values,
                part=TimePart.WEEKDAY,
            )
        )
        self.close("value")
