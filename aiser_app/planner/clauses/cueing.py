"""What cue words do in a plain question; cues of other forms were taken out before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from typing_extensions import override

from aiser_app.domain.semantic_model import Aggregation, DimensionType
from aiser_app.domain.semantic_query import Condition, Filter, FilterGroup, FilterOperator
from aiser_app.planner.clauses.figuring import rows_of
from aiser_app.planner.clauses.options import Choices
from aiser_app.planner.clauses.timeliness import (
    planned_time,
    time_of_verb,
)
from aiser_app.planner.clauses.timing import Timing
from aiser_app.planner.clauses.walking import ROLE_OPEN
from aiser_app.planner.concepts import concept_columns
from aiser_app.planner.measuring import name_words
from aiser_app.planner.resolving import Option
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.words import root as root_of
from aiser_app.planner.words import split_name, word_set

_IGNORED = frozenset(("every_period", "percent", "any", "median"))
_REFUSED = {
    "future": "forecasts", "reason": "reasons (why)", "correlation": "correlations",
    "same": "sameness", "moving": "moving averages in this place",
}  # fmt: skip
_PLAN_WORDS = word_set("planned scheduled promised expected due agreed estimated")
_ABSENT = {"without": "without", "never": "never", "neither": "without"}
_RELATIONS = ("later", "earlier", "more_than", "less_than")
_UNUSED_COST = 0.35
_EVENT_WORDS: dict[str, frozenset[str]] = {
    verb: word_set(words)
    for verbs, words in (
        ("sold selling sell", "sale order item line purchase invoice"),
        ("bought ordered purchased buy placed order", "order purchase sale item line transaction"),
        ("used redeemed applied use", "use usage redemption coupon order transaction"),
        ("visited visit seen", "visit session appointment view"),
        ("booked stayed reserved", "booking reservation stay"),
        ("paid", "payment invoice transaction"),
        ("shipped delivered moved", "shipment delivery parcel"),
        ("inspected checked", "inspection check"), ("rented", "rental"), ("reviewed rated", "review rating"),
        ("returned", "return"), ("contacted called", "contact call ticket"), ("read", "reading"),
        ("attended", "attendance event training"), ("trained", "training course"),
        ("billed invoiced", "invoice bill"), ("promoted", "promotion"), ("repaired serviced maintained", "repair service maintenance"),
        ("subscribed", "subscription"), ("flown flew", "flight"), ("clicked", "click"), ("logged in", "login session"),
    )
    for verb in verbs.split()
}  # fmt: skip
"""Which tables record an event that a verb tells of, by words of general business English."""


class Cueing(Timing):
    """Reads cue segments."""

    def _on_cue(self, segment: Segment) -> None:
        word, state = segment.word, self.state
        handlers: dict[str, Callable[[Segment], None]] = {
            "null": self._null, "known": self._null, "punctual": self._punctual, "still": self._still,
            "current": self._current, "aside": self._aside, "relative": self._relative, "any": self._any, "output": self._output,
            "starting": self._matching, "ending": self._matching, "containing": self._matching,
            "how_often": self._how_often,
        }  # fmt: skip
        if word in _REFUSED:
            self.sketch.fail(f"{_REFUSED[word]} are not computed")
        elif word in _ABSENT:
            state.quantifier, state.aggregation = _ABSENT[word], None
        elif word in _RELATIONS:
            state.relation = word
        elif word in ("above_average", "below_average"):
            state.mean_side = word
        elif word == "how_money":
            self.sketch.asks_how_much = True
        elif word in handlers:
            handlers[word](segment)
        elif word not in _IGNORED:
            self.sketch.cost(f"“{segment.text}” was not used", _UNUSED_COST)

    def _how_often(self, segment: Segment) -> None:
        self.state.counting = False
        self.sketch.counts = True

    def _matching(self, segment: Segment) -> None:
        """Texts that begin with, end with or contain something."""
        if segment.word == "containing" and not self._may_match():
            self.state.verbs.append("contain")
            return
        self.state.match = {
            "starting": FilterOperator.STARTS_WITH, "ending": FilterOperator.ENDS_WITH,
            "containing": FilterOperator.CONTAINS,
        }[segment.word]  # fmt: skip

    def _relative(self, segment: Segment) -> None:
        """At the start it asks; behind something it says more about it."""
        text = segment.text.lower()
        if self.state.last == "" and text in ("which", "who", "where"):
            self.state.which = self.sketch.asks_which = self.sketch.lists = True
        else:
            self.state.relative = True

    def _any(self, segment: Segment) -> None:
        """As in "Did not run any route": none at all; "never … a single one" stays never."""
        if self.state.negated:
            self.state.quantifier, self.state.negated = "without", False
        elif not self.state.quantifier:
            self.state.quantifier = "any"

    def _may_match(self) -> bool:
        """Names contain texts; orders contain products."""
        last = self.state.last_option
        is_text = (
            last is not None and last.dimension is not None and last.target.kind == "dimension"
        )
        named = last is not None and bool(
            name_words(last.target.name)
            & {"name", "title", "description", "subject", "text", "label"}
        )
        return (is_text and named) or self.is_kind(self.peek(), Kind.LITERAL, Kind.UNKNOWN)

    def _aside(self, segment: Segment) -> None:
        """As in "Discontinued ones aside": the condition before is turned round."""
        if not self.sketch.conditions:
            self.sketch.cost(f"“{segment.text}” was not used", _UNUSED_COST)
            return
        last = self.sketch.conditions[-1]
        self.sketch.conditions[-1] = FilterGroup(conditions=(last,), is_negated=True)

    def _output(self, segment: Segment) -> None:
        """As in "with the" after a superlative's subject begins its figure; else columns follow."""
        following = self.peek()
        if self.sketch.counts or self.is_kind(
            following, Kind.EXTREME, Kind.COMPARE, Kind.AGGREGATE
        ):
            return
        if self.sketch.subject is None and not self.sketch.groups:
            return
        extreme = self.sketch.extreme
        if extreme is not None and self.sketch.extreme_figure is None and not extreme.concept:
            return
        self.state.output = True

    def _null(self, segment: Segment) -> None:
        """As in "The cost is missing" speaks of the phrase before, "missing cost" of the one behind."""
        is_null = segment.word == "null"
        last = self.state.last_option
        if self.state.last == "null":
            return
        behind = self.peek(skip=False)
        before = self.segments[self.at - 2] if self.at >= 2 else None
        tied = before is not None and before.kind in (Kind.FUNCTION, Kind.NOT, Kind.LINK)
        if last is not None and tied and not self.is_kind(behind, Kind.LINK):
            negated = self.state.negated
            choices = _choices_of(last)
            if last.dimension is not None:
                self._drop_figure(last)
                self.sketch.groups = [
                    g
                    for g in self.sketch.groups
                    if last.target.member not in (r.member for r in g.refs)
                ]
            if self.restrict_null(segment, choices, is_null=is_null != negated):
                return
        if not is_null and self.state.quantifier:
            return
        if is_null or behind is not None:
            self.state.null = True
            if not is_null:
                self.state.negated = not self.state.negated
        self.state.null = self.state.null and self.is_kind(behind, Kind.LINK, Kind.FUNCTION)
        if not self.state.null:
            self.sketch.cost(f"“{segment.text}” was not used", _UNUSED_COST)

    @override
    def total_behind(self) -> bool:
        """As in "The order total": the money of the rows named before."""
        last = self.state.last_option
        if last is None or last.target.kind != "cube" or last.path.joins:
            return False
        figure = self.of_concept("money", Aggregation.SUM)
        if figure is None:
            return False
        self.sketch.subject = None if not self.sketch.asks_which else self.sketch.subject
        return self._add(self.segments[self.at - 1], figure, "", last)

    @override
    def count_rows(self) -> None:
        self.sketch.figures.append(rows_of(self.root))
        self.sketch.counts = True
        self.close("figure")

    def settle(self) -> None:
        """What was announced and found no phrase."""
        state, sketch = self.state, self.sketch
        if state.quantifier in ("without", "never"):
            self._settle_absence()
        if state.comparison is not None and not self.by_unit(state.comparison):
            self._settle_comparison(state.comparison)
        if state.number is not None:
            sketch.cost(f"“{state.number.text}” was not used", 0.3)
        if state.relation and not self._settle_relation():
            sketch.cost("a comparison was not used", 0.3)
        if state.negated and not self._settle_negated_verb():
            sketch.cost("a negation was not used", 0.3)
        if state.ordering:
            sketch.cost("the order is not clear", 0.3)
        if state.match is not None:
            sketch.cost("a text was not found", 0.3)
        if state.by:
            sketch.cost("what to group by is not clear", 0.3)
        if state.role and not self._settle_role():
            sketch.cost("a role was not used", 0.2)

    def _settle_role(self) -> bool:
        """As in "Affiliate orders on a first-touch basis": the role belongs to what came before."""
        role, done = self.state.role, False
        for place, known in enumerate(self.sketch.conditions):
            if isinstance(known, Filter) and self._has_role(known.member, role):
                self.sketch.conditions[place] = replace(known, role=role)
                done = True
        for place, group in enumerate(self.sketch.groups):
            if self._has_role(group.refs[0].member, role):
                refs = tuple(replace(r, role=role) for r in group.refs)
                self.sketch.groups[place] = replace(group, refs=refs)
                done = True
        if done:
            self.sketch.costs.pop(ROLE_OPEN, None)
        return done

    def _has_role(self, member: str, role: str) -> bool:
        paths = self.options.lexicon.paths.to(self.root.name, member.partition(".")[0])
        return any(p.role == role for p in paths)

    def _settle_negated_verb(self) -> bool:
        """As in "Goods have not arrived": the date of the arrival is empty."""
        words = [s.word for s in self.segments if s.kind is Kind.FUNCTION]
        found = next(
            (d for d in (time_of_verb(self.root, w) for w in reversed(words)) if d is not None),
            None,
        )
        if found is None or found.null_fraction == 0:
            return False
        self.sketch.conditions.append(
            Filter(member=f"{self.root.name}.{found.name}", operator=FilterOperator.NOT_SET)
        )
        return True

    def _settle_relation(self) -> bool:
        """As in "Completed later than planned": the words behind are the word of a column, not its name."""
        before = self.state.last_option
        column = before.dimension if before is not None else None
        words = {s.text.lower() for s in self.segments}
        if before is None or column is None or column.type is not DimensionType.TIME:
            return False
        planned = planned_time(self.root, column) if words & _PLAN_WORDS else None
        if planned is None:
            return False
        return self.compare_columns(self.segments[-1], self._as_options(planned.name)[0])

    def _settle_absence(self) -> None:
        """As in "Never sold": the event table that the verb tells of, else the nearest one."""
        words = [w.word for w in self.segments if w.kind is Kind.FUNCTION]
        facts = self.options.facts_of()
        verbs = [w for w in words if w in _EVENT_WORDS]
        for cube in facts:
            names = set(split_name(f"{cube.name} {cube.title}")) | {
                root_of(w) for w in split_name(cube.name)
            }
            singular = {n.rstrip("s") for n in names}
            if any(_EVENT_WORDS[v] & (names | singular) for v in verbs):
                self._add_absence(cube.name, 0.0)
                return
        roots = {root_of(w) for w in words if len(w) > 3} - {""}
        for cube in facts:
            if roots & {root_of(w) for w in split_name(cube.name)}:
                self._add_absence(cube.name, 0.0)
                return
        if facts:
            self._add_absence(facts[0].name, 0.06 if len(facts) == 1 else 0.15)
        else:
            self.sketch.cost("“never” was not used", 0.35)

    def _add_absence(self, cube: str, cost: float) -> None:
        self.add_existence(cube, self._dated_rows(cube), True)
        if cost:
            self.sketch.cost("what never happened is guessed", cost)

    def _dated_rows(self, cube: str) -> tuple[Condition, ...]:
        """Of what never happened in a period, the period is that of the event."""
        found = self.options.model.find_cube(cube)
        name = found.default_time_dimension if found is not None else ""
        span = self.sketch.spans[0][0] if len(self.sketch.spans) == 1 else None
        if not name or span is None or span.start is None or span.end is None:
            return ()
        self.sketch.spans = []
        values = (span.start.isoformat(), span.end.isoformat())
        member = name if "." in name else f"{cube}.{name}"
        return (Filter(member=member, operator=FilterOperator.IN_DATE_RANGE, values=values),)

    def _settle_comparison(self, comparison: Segment) -> None:
        """As in "More than 100" with a figure already there: a condition on it."""
        subject = self.sketch.subject
        if subject is not None and subject.is_rows and not self.sketch.figures:
            self._settle_size(comparison)
            return
        figure = self.state.last_figure
        if figure is not None and (self.sketch.groups or self.sketch.subject is not None):
            self.add_having(figure, comparison)
            return
        self.sketch.cost(f"“{comparison.text}” was not used", 0.35)

    def _settle_size(self, comparison: Segment) -> None:
        """As in "Claims over 1,000": the amount of each row."""
        for concept in ("money", "quantity"):
            found = concept_columns(self.root, concept)
            if found:
                option = self._as_options(found[0][0].name)[0]
                if self.compare(comparison, option, comparison):
                    self.sketch.cost("which amount is compared is not said", 0.1)
                    return
        self.sketch.cost(f"“{comparison.text}” was not used", 0.35)


def _choices_of(option: Option) -> Choices:
    found = Choices()
    (found.entities if option.target.kind == "cube" else found.texts).append(option)
    return found
