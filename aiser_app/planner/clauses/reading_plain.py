"""Phrases that nothing announces: their strongest meaning decides."""

from __future__ import annotations

from aiser_app.domain.semantic_model import Aggregation
from aiser_app.domain.semantic_query import DimensionRef, Filter, FilterOperator
from aiser_app.planner.clauses.comparing import Comparing
from aiser_app.planner.clauses.figuring import (
    in_unit,
    product_figure,
)
from aiser_app.planner.clauses.options import Choices
from aiser_app.planner.clauses.sketch import Moment
from aiser_app.planner.clauses.timeliness import is_time_verb, time_of_verb
from aiser_app.planner.cues import NEUTRAL
from aiser_app.planner.measuring import name_words
from aiser_app.planner.resolving import Option
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.verbs import is_neutral_verb

_WEAK = 0.5
FAR = "related rows are taken to be required"
_PARTICIPLES = frozenset(
    [
        "sold",
        "bought",
        "sent",
        "driven",
        "flown",
        "built",
        "taken",
        "held",
        "run",
        "led",
        "begun",
        "drawn",
        "seen",
        "shown",
        "going",
        "based",
        "book",
        "buy",
        "place",
        "live",
        "burnt",
        "burned",
    ]
)
_TIME_WORDS = frozenset(("hour", "hours", "minute", "minutes", "second", "seconds", "day", "days"))


class Plain(Comparing):
    """Roles by meaning alone."""

    def _as_verb(self, segment: Segment, choices: Choices) -> bool:
        """A verb that only shares its root with something: "booked" is no book."""
        word = segment.text.lower()
        if " " in word or not (is_neutral_verb(word) or is_time_verb(word)):
            return False
        found = choices.best("values", "flags", "texts", "entities", "far_values", "far_entities")
        exact = choices.best("numbers", "measures", "times")
        if found is None or (exact is not None and exact[1].score >= found[1].score):
            return False
        if found[1].target.how != "word form" and not (
            found[1].target.value and found[1].target.form != word
        ):
            return False
        if not self.sketch.bound:
            return False
        self.sketch.tied.add(segment.text)
        self.state.verbs.append(word)
        return True

    def _plain(self, segment: Segment, choices: Choices) -> bool:
        """Nothing announces the phrase: its strongest meaning decides."""
        state = self.state
        kinds = [
            "values",
            "flags",
            "numbers",
            "measures",
            "entities",
            "texts",
            "times",
            "far_values",
        ]
        found = choices.best(*kinds, "far_entities")
        if found is None or found[1].score < 0.42:
            return self._product(segment)
        kind, option = found
        following = self.peek()
        if self._is_verb(segment, kind, option) or self._is_time_verb(segment, kind):
            return True
        if kind in ("texts", "times", "entities") and self._names_value(option, following):
            self.note(segment, option)
            state.last_option = option
            return True
        if kind == "times" and self._as_happened(segment, option, following):
            return True
        if kind == "times" and self.is_kind(following, Kind.DATE, Kind.GRAIN, Kind.CUE):
            self.note(segment, option)
            state.last_moment = Moment(option.target.member, option.role)
            self.close("time", option)
            return True
        if (
            state.negated
            and kind in ("texts", "times", "numbers")
            and not self._is_compared(following)
        ):
            state.negated = False
            return self.restrict_null(segment, choices, is_null=True)
        return self._by_kind(segment, choices, kind, option)

    def _as_happened(self, segment: Segment, option: Option, following: Segment | None) -> bool:
        """As in "Cancelled bookings" by the date of the cancellation, which the others lack."""
        word = segment.text.lower()
        column = option.dimension
        if column is None or not word.endswith("ed") or column.null_fraction < 0.02:
            return False
        if self.is_kind(following, Kind.DATE, Kind.GRAIN, Kind.CUE) or (
            self.sketch.lists and self.state.joined
        ):
            return False
        operator = FilterOperator.NOT_SET if self.state.negated else FilterOperator.SET
        self.note(segment, option)
        self.sketch.conditions.append(
            Filter(member=option.target.member, operator=operator, role=option.role)
        )
        self.close("flag", option)
        return True

    def _is_compared(self, following: Segment | None) -> bool:
        return self.is_kind(following, Kind.COMPARE, Kind.DATE, Kind.NUMBER) or (
            following is not None and following.kind is Kind.CUE and following.word != "output"
        )  # fmt: skip

    def _is_verb(self, segment: Segment, kind: str, option: Option) -> bool:
        """A participle that shares a root with a column ties phrases; it is no figure."""
        word = segment.text.lower()
        is_verb = word in NEUTRAL or is_time_verb(word) or is_time_verb(f"{word}ed")
        if is_verb and kind in ("values", "far_values") and option.target.form != word:
            self.sketch.tied.add(segment.text)
            self.state.verbs.append(word)
            return True
        loose = option.target.how in ("word form", "part of a name", "synonym") or (
            word.endswith("ed") and option.score < 0.95
        )
        if kind not in ("numbers", "texts", "entities", "far_entities") or not loose or " " in word:
            return False
        known = self.sketch.subject is not None or bool(self.sketch.figures)
        if not (word.endswith("ed") or word in _PARTICIPLES) or not known:
            return False
        if kind == "numbers" and not self.sketch.figures and self.sketch.asks_how_much:
            return False
        self.sketch.tied.add(segment.text)
        self.state.verbs.append(word)
        return True

    def _is_time_verb(self, segment: Segment, kind: str) -> bool:
        """As in "Completed in May", "finished later than planned": the date of the event, not its state."""
        word = segment.text.lower()
        following = self.peek()
        timed = self.is_kind(following, Kind.DATE) or (
            following is not None and following.kind is Kind.CUE and following.word in ("later", "earlier")
        )  # fmt: skip
        if (
            kind not in ("values", "times", "texts", "far_values")
            or not timed
            or not is_time_verb(word)
        ):
            return False
        found = time_of_verb(self.root, word)
        if found is None:
            return self._is_loose_verb(segment, kind)
        option = self._as_options(found.name)[0]
        self.sketch.note(segment.text, option.target.member, "verb", 0.93)
        self.state.last_moment = Moment(option.target.member)
        self.close("time", option)
        return True

    def _is_loose_verb(self, segment: Segment, kind: str) -> bool:
        """As in "Inspections done last week": a state of another table is not what "done" says here."""
        if kind != "far_values" and not self._is_foreign(segment):
            return False
        self.sketch.tied.add(segment.text)
        self.state.verbs.append(segment.text.lower())
        return True

    def _is_foreign(self, segment: Segment) -> bool:
        values = self.options.of(segment).values
        return bool(values) and bool(values[0].path.joins)

    def _names_value(self, option: Option, following: Segment | None) -> bool:
        """As in "status completed", "priority is high": the column of the value behind it."""
        if following is None or following.kind not in (Kind.LINK, Kind.LITERAL):
            return False
        if following.kind is Kind.LITERAL:
            return option.dimension is not None
        value = self.options.of(following).best("values")
        return value is not None and value[1].target.member == option.target.member

    def _by_kind(self, segment: Segment, choices: Choices, kind: str, option: Option) -> bool:
        state = self.state
        if kind == "values":
            self.restrict_value(segment, option)
        elif kind == "flags":
            state.negated = state.negated != _is_opposite(segment, option)
            self.restrict_flag(segment, option)
        elif kind == "far_values":
            cost = self.sketch.costs.get(FAR, 0.0)
            said = self.state.relative or self.state.quantifier or "contain" in self.state.verbs
            self.restrict_far(segment, option)
            self.sketch.cost(FAR, cost + (0.04 if said else 0.2))
        elif kind == "far_entities":
            self._require_related(segment, option)
        elif kind in ("numbers", "measures"):
            return self._add_figure(segment, option)
        elif kind == "times":
            self.note(segment, option)
            state.last_moment = Moment(option.target.member, option.role)
            if self.sketch.grain is not None and self.sketch.moment is None:
                self.sketch.moment = state.last_moment
            if self.sketch.subject is not None and self.sketch.lists and state.joined:
                self.sketch.outputs.append(
                    DimensionRef(member=option.target.member, role=option.role)
                )
            self.close("time", option)
        else:
            return self._thing(segment, choices, option)
        return True

    def _require_related(self, segment: Segment, option: Option) -> None:
        """Rows of another table that are merely mentioned: they must exist."""
        state = self.state
        self.note(segment, option)
        if state.by:
            self.sketch.cost("a group that has no place here", 0.4)
        if state.counting:
            self.sketch.cost("what is counted has no place here", 0.4)
        self.add_existence(option.target.cube, (), state.negated)
        self.sketch.cost(FAR, 0.08 if state.relative or "with" in state.verbs else 0.2)
        self.close("existence", option)

    def _thing(self, segment: Segment, choices: Choices, option: Option) -> bool:
        """An entity or a column of words: what is listed, or merely mentioned."""
        following = self.peek(skip=False)
        if self.is_kind(following, Kind.LINK) and self._belongs_to_next(following):
            return self._mention(segment, option)
        if self.sketch.subject is None and not self.sketch.figures and not self.sketch.groups:
            return self._subject(segment, self._grouped(choices, option))
        if self.state.which:
            return self._subject(segment, self._grouped(choices, option))
        if option.target.kind != "cube":
            self.sketch.cost(f"“{segment.text}” was not used", 0.2)
        return self._mention(segment, option)

    def _product(self, segment: Segment) -> bool:
        figure = (
            product_figure(self.root, segment.concept, self.state.aggregation)
            if segment.concept
            else None
        )
        return figure is not None and self._add(segment, figure, "synonym")

    def _as_currency(self, segment: Segment) -> bool:
        """As in "Payments by method, in euro": the money, not the number of them."""
        if segment.targets and max(t.score for t in segment.targets) > 0.9:
            return False
        self.sketch.note(segment.text, "currency", "unit", 0.95)
        sketch = self.sketch
        if sketch.figures or sketch.counts or sketch.subject is None or not sketch.subject.is_rows:
            return True
        figure = self.of_concept("money", Aggregation.SUM)
        if figure is not None:
            sketch.figures.append(figure)
            if sketch.extreme is not None:
                sketch.extreme_figure = sketch.extreme_figure or figure
        return True

    def _as_unit(self, segment: Segment, choices: Choices) -> bool:
        """As in "downtime hours": a unit, when a figure stands beside it."""
        word = segment.text.lower()
        if word not in _TIME_WORDS or self.state.by:
            return False
        unit = word.removesuffix("s")
        figure = self.state.last_figure
        if (
            self.state.last == "figure"
            and figure is not None
            and figure.unit
            and self.sketch.figures
        ):
            self.sketch.figures[-1] = in_unit(figure, unit)
            return True
        self.state.unit = unit
        found = choices.best("numbers")
        if found is None or found[1].score < _WEAK:
            return False
        self.state.aggregation = self.state.aggregation or Aggregation.SUM
        return self._add_figure(segment, found[1])


def _is_opposite(segment: Segment, option: Option) -> bool:
    """As in "Inactive" of a column called active."""
    word = segment.text.lower()
    column = option.dimension
    names = name_words(column.name, column.title) if column is not None else set()
    bare = word.removeprefix("in").removeprefix("un").removeprefix("non")
    return bare != word and word not in names and bare in names
