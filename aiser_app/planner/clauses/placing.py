"""Linked phrases get their roles: shown, counted, grouped by, filtered on, ranked, listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aiser_app.domain.semantic_model import DimensionType
from aiser_app.domain.semantic_query import DimensionRef, Granularity
from aiser_app.planner.clauses.figuring import (
    column_figure,
)
from aiser_app.planner.clauses.options import Choices
from aiser_app.planner.clauses.reading_plain import Plain
from aiser_app.planner.clauses.sketch import Moment
from aiser_app.planner.resolving import Option
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.thesaurus import GENERIC_TAILS
from aiser_app.planner.words import split_name

_WEAK = 0.5
_STRONG = 0.75


class Placing(Plain):
    """The roles of linked phrases, tried in order of how much announces them."""

    def _on_link(self, segment: Segment) -> None:
        if self._is_role(segment):
            return
        state = self.state
        if state.match is not None:
            self.match_text(segment.text)
            return
        if segment.concept == "currency" and self._as_currency(segment):
            return
        choices = self.options.of(segment, state.preposition, state.role)
        choices = self._prefer_neighbours(choices)
        for place in self._places():
            if place(segment, choices):
                self._check_ties(segment, choices)
                return
        self._unplaced(segment)

    def _check_ties(self, segment: Segment, choices: Choices) -> None:
        """Two columns that fit equally well are a question, not an answer."""
        kind = {"value": "values", "group": "groups", "figure": "numbers", "flag": "flags"}.get(
            self.state.last, ""
        )
        used = self.sketch.bound[-1] if self.sketch.bound else None
        if not kind or used is None or used.text != segment.text or not choices.is_tied(kind):
            return
        option: Option = getattr(choices, kind)[0]
        if kind == "groups" or _is_pair(getattr(choices, kind)):
            kept = [
                o
                for o in getattr(choices, kind)[1:]
                if o.target.cube != option.target.cube or o.role != option.role
            ]
            if not kept or option.score - kept[0].score >= 0.03 or _is_pair(getattr(choices, kind)):
                return
        if used.member.startswith(option.target.member):
            self.sketch.cost(f"“{segment.text}” can mean more than one thing", 0.26)

    def _prefer_neighbours(self, choices: Choices) -> Choices:
        """As in "Austrian plants", "suppliers from Italy": the thing beside a value says whose it is."""
        if len(choices.values) < 2:
            return choices
        following = self.peek()
        named = {
            t.cube: t.score
            for s in (following, self._before())
            if s is not None and s.kind is Kind.LINK
            for t in s.targets
            if t.kind == "cube" and t.score >= 0.6
        }  # fmt: skip
        if not named:
            return choices
        values = [
            replace(o, score=o.score + (0.35 if o.target.cube in named else 0.0))
            for o in choices.values
        ]
        values.sort(key=lambda o: -o.score)
        return replace(choices, values=values)

    def _before(self) -> Segment | None:
        found = [
            s
            for s in self.segments[max(0, self.at - 4) : self.at - 1]
            if s.kind is not Kind.FUNCTION
        ]
        return found[-1] if found else None

    def _places(self) -> tuple[Callable[[Segment, Choices], bool], ...]:
        return (
            self._as_verb, self._as_unit, self._as_null, self._as_related, self._as_group, self._in_order, self._compared,
            self._with_number, self._as_mean_side, self._as_output, self._aggregated, self._counted,
            self._ranked, self._plain,
        )  # fmt: skip

    def _is_role(self, segment: Segment) -> bool:
        """As in "last touch channel": the words say through which join the next thing is reached."""
        roles = [t for t in segment.targets if t.kind == "role"]
        if not roles or max(t.score for t in segment.targets) > roles[0].score:
            return False
        following = self.peek(skip=False)
        if not self.is_kind(following, Kind.LINK, Kind.GRAIN) and self.is_kind(
            self.peek(), Kind.LINK
        ):
            following = self.peek() if self.state.relative else None
        if following is None and not self.state.relative and self.at < len(self.segments):
            return False
        self.state.role = roles[0].via[1]
        self.sketch.note(segment.text, f"{roles[0].cube} ({roles[0].via[1]})", "name", 0.95)
        return True

    def _unplaced(self, segment: Segment) -> None:
        """The words have a meaning elsewhere in the data, and none under this root."""
        self.sketch.cost(f"“{segment.text}” has no place here", 0.4)
        self.close("")

    def _as_null(self, segment: Segment, choices: Choices) -> bool:
        if not self.state.null:
            return False
        is_null = not self.state.negated
        return self.restrict_null(segment, choices, is_null=is_null)

    def _as_related(self, segment: Segment, choices: Choices) -> bool:
        """Behind "without", "never" and "at least one": rows of another table, or an empty column."""
        quantifier = self.state.quantifier
        if not quantifier:
            return False
        rows = choices.best("entities")
        if (
            quantifier == "any"
            and rows is not None
            and not rows[1].path.joins
            and rows[1].score >= _STRONG
        ):
            self.state.quantifier = ""
            return self._mention(segment, rows[1])
        negated = quantifier in ("without", "never")
        far, value = choices.best("far_entities"), choices.best("values", "flags")
        if far is not None and (value is None or far[1].score + 0.1 >= value[1].score):
            self.note(segment, far[1])
            self.add_existence(self.options.way_to_many(far[1].target.cube), (), negated)
            self.close("existence", far[1])
            return True
        if choices.far_values and (value is None or choices.far_values[0].score >= value[1].score):
            self.restrict_far(segment, choices.far_values[0])
            return True
        if not negated:
            return False
        if value is not None and value[1].score >= _STRONG:
            self.state.negated = True
            self.state.quantifier = ""
            return False
        if quantifier == "without":
            return self.restrict_null(segment, choices, is_null=not self.state.negated)
        return False

    def _as_group(self, segment: Segment, choices: Choices) -> bool:
        state = self.state
        listed = state.joined and state.last == "group" and not choices.values
        if not (state.by or listed):
            return False
        found = choices.best("groups", "entities")
        following = self.peek(skip=False)
        if listed and not state.by and not self._continues(found, following):
            return False
        number = choices.best("numbers", "measures")
        if listed and number is not None and (found is None or number[1].score >= found[1].score):
            return False
        if found is None or found[1].score < 0.35:
            return False
        if state.negated or state.either:
            self.sketch.cost("a group that is negated or one of several", 0.4)
        option = next((o for o in choices.groups if o.score >= found[1].score - 1e-9), found[1])
        if choices.values and choices.values[0].score > option.score + 0.05:
            return False
        return self._group(segment, option)

    def _continues(self, found: tuple[str, Option] | None, following: Segment | None) -> bool:
        """Behind a comma only the next item of a list, not a remark: "…, routes of 2025"."""
        column = found[1].dimension if found is not None else None
        if column is not None and column.type is DimensionType.TIME:
            return not self.is_kind(self.peek(), Kind.DATE)
        before = self.segments[self.at - 2] if self.at >= 2 else None
        if before is None or before.text != ",":
            return True
        return (
            following is None or following.kind in (Kind.AND, Kind.DATE) or following.text in "?.!"
        )

    def _group(self, segment: Segment, option: Option) -> bool:
        self.note(segment, option)
        dimension = option.dimension
        if dimension is not None and dimension.type is DimensionType.TIME:
            self.sketch.moment = Moment(option.target.member, option.role)
            if self.is_kind(self.peek(skip=False), Kind.GRAIN):
                self.state.last_option = option
                return True
            if self.sketch.grain is None and not self.sketch.spans:
                self.sketch.grain = Granularity.DAY
            self.close("group", option)
            return True
        group = self.as_group(option)
        if not group.is_rows:
            self.add_group(group)
        self.close("group", option)
        return True

    def _in_order(self, segment: Segment, choices: Choices) -> bool:
        if not self.state.ordering:
            return False
        self.state.ordering = False
        found = choices.best("numbers", "entities", "groups", "times")
        if found is None:
            return False
        self.note(segment, found[1])
        if found[0] == "numbers":
            self.sketch.order_figure = column_figure(self.root, found[1], self.state.aggregation)
        elif self.state.counting:
            counted = self.count_of(choices)
            self.sketch.order_figure = counted[1] if counted is not None else None
        else:
            self.sketch.order_by_name = found[0] != "times"
        self.state.aggregation, self.state.counting = None, False
        self.close("order")
        return True

    def _as_mean_side(self, segment: Segment, choices: Choices) -> bool:
        return False

    def _as_output(self, segment: Segment, choices: Choices) -> bool:
        state = self.state
        following = self.peek(skip=False)
        listed = state.joined and (state.last == "output" or self._lists_columns())
        if not (state.output or listed) or (choices.values and choices.values[0].score >= 0.95):
            return False
        if state.either or (following is not None and following.kind is Kind.COMPARE):
            return False
        found = choices.best("texts", "times", "numbers", "entities", "groups")
        if found is None or found[1].score < _WEAK:
            return False
        option = found[1]
        self.note(segment, option)
        refs = option.refs or (DimensionRef(member=option.target.member, role=option.role),)
        if found[0] == "entities":
            grouped = next((o for o in choices.groups if o.target.kind == "cube"), option)
            refs = grouped.refs or refs
        self.sketch.outputs.extend(r for r in refs if r not in self.sketch.outputs)
        output = state.output
        self.close("output", option)
        state.output = output
        return True

    def _lists_columns(self) -> bool:
        """As in "seven biggest orders, order number and total"."""
        subject = self.sketch.subject
        listed = subject is not None and subject.is_rows and not self.sketch.figures
        return listed and self.state.last in ("extreme_subject", "entity", "date", "value", "flag")


def _is_pair(options: list[Option]) -> bool:
    """A code and its name are one thing."""
    words = [
        frozenset(w for w in split_name(o.dimension.title) if w not in GENERIC_TAILS)
        for o in options[:2]
        if o.dimension is not None
    ]
    return (
        len(words) == 2
        and words[0] == words[1]
        and options[0].target.cube == options[1].target.cube
    )
