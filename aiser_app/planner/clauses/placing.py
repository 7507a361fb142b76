"""Linked phrases get their roles: shown, counted, grouped by, filtered on, ranked, listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aiser_app.domain.semantic_model import Aggregation, Dimension, DimensionType
from aiser_app.domain.semantic_query import DimensionRef, Filter, FilterOperator, Granularity
from aiser_app.planner.clauses.concepts import concept_columns, product_of
from aiser_app.planner.clauses.cues import NEUTRAL
from aiser_app.planner.clauses.figuring import (
    column_figure,
    distinct_figure,
    in_unit,
    product_figure,
    rows_of,
)
from aiser_app.planner.clauses.options import Choices
from aiser_app.planner.clauses.restricting import Restricting
from aiser_app.planner.clauses.sketch import Figure, Moment
from aiser_app.planner.clauses.timeliness import is_time_verb, time_of_verb
from aiser_app.planner.clauses.verbs import is_neutral_verb
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import Target
from aiser_app.planner.measuring import default_aggregation, is_additive, name_words
from aiser_app.planner.resolving import Option
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.thesaurus import GENERIC_TAILS
from aiser_app.planner.units import convert
from aiser_app.planner.vocabulary import UNITS
from aiser_app.planner.words import split_name, stem

_WEAK = 0.5
FAR = "related rows are taken to be required"
OTHER_TABLE = "a figure of another table"
_STRONG = 0.75
_UNITS = frozenset(("s", "min", "h", "d"))
_PARTICIPLES = frozenset(
    """sold bought sent driven flown built taken held run led begun drawn seen shown
    going based book buy place live burnt burned""".split()
)
_MEASURED = frozenset(("weight", "distance", "volume", "energy"))
_UNIT_CONCEPTS = frozenset(
    ("quantity", "weight", "distance", "volume", "energy", "duration", "money")
)
_CURRENCIES = frozenset(("eur", "usd", "gbp", "euro", "dollar", "pound", "euros"))
_TIME_WORDS = frozenset(("hour", "hours", "minute", "minutes", "second", "seconds", "day", "days"))


class Placing(Restricting):
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

    def _as_currency(self, segment: Segment) -> bool:
        """ "Payments by method, in euro": the money, not the number of them."""
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
        """ "Austrian plants", "suppliers from Italy": the thing beside a value says whose it is."""
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

    # announced roles

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

    def as_duration(self, segment: Segment) -> bool:
        """Hours beside a thing or figure with a duration: its sum in hours."""
        word = segment.text.lower()
        if word not in _TIME_WORDS:
            return False
        unit, figure = word.removesuffix("s"), self.state.last_figure
        if self.state.last == "figure" and figure is not None and figure.unit in _UNITS:
            self._replace_last(in_unit(figure, unit))
            return True
        found = [d for d, _ in concept_columns(self.root, "duration") if d.unit in _UNITS]
        if not found:
            return False
        target = Target("dimension", self.root.name, found[0].name, how="unit", score=0.9)
        option = Option(target, Path(self.root.name), 0.9, dimension=found[0], title=found[0].title)
        self.state.unit = unit
        self.state.aggregation = self.state.aggregation or Aggregation.SUM
        return self._add_figure(segment, option)

    def _replace_last(self, figure: Figure) -> None:
        old = self.state.last_figure
        self.sketch.figures = [figure if f is old else f for f in self.sketch.figures]
        if self.sketch.extreme_figure is old:
            self.sketch.extreme_figure = figure
        self.state.last_figure = figure

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

    def _compared(self, segment: Segment, choices: Choices) -> bool:
        if self.state.relation:
            found = choices.best("times", "numbers")
            if found is not None and self.compare_columns(segment, found[1]):
                return True
        comparison = self.state.comparison
        if comparison is None:
            following = self.peek()
            if following is None or following.kind is not Kind.COMPARE:
                return False
            found = choices.best("numbers")
            if found is not None and self._clashes(found[1], following):
                self.sketch.cost(
                    f"“{following.text}” does not measure the {found[1].title.lower()}", 0.4
                )
            is_row = found is not None and found[1].score >= _WEAK and not self._is_having(found[1])
            if found is None or not is_row or not self.compare(segment, found[1], following):
                return False
            self.at = self.segments.index(following) + 1
            return True
        return self._compare_behind(segment, choices, comparison)

    def _clashes(self, option: Option, comparison: Segment) -> bool:
        unit = option.dimension.unit if option.dimension is not None else ""
        return bool(unit and comparison.unit) and convert(1.0, comparison.unit, unit) is None

    def _is_having(self, option: Option) -> bool:
        """A figure over groups: the column belongs to the facts, and something else is listed."""
        subject = self.sketch.subject
        return subject is not None and not subject.is_rows and option.target.cube == self.root.name

    def _compare_behind(self, segment: Segment, choices: Choices, comparison: Segment) -> bool:
        """As in "more than 5 orders", "at least 300 seats"."""
        if comparison.unit in _CURRENCIES and self.sketch.subject is not None:
            money = self.of_concept("money", Aggregation.SUM)
            if money is not None:
                self.add_having(money, comparison)
                return False
        number, counted = choices.best("numbers"), choices.best("entities", "far_entities")
        value = choices.best("values")
        if value is not None and self._counts_values(segment, value[1], choices, comparison):
            return True
        if number is not None and (counted is None or number[1].score >= counted[1].score):
            if self._is_having(number[1]) or self.state.aggregation is not None:
                self.note(segment, number[1])
                fold = self.state.aggregation
                fold = fold or (Aggregation.SUM if comparison.unit in UNITS else None)
                figure = column_figure(self.root, number[1], fold)
                self.add_having(in_unit(figure, self.state.unit), comparison)
                self.state.aggregation = None
                self.close("having")
                return True
            return self.compare(segment, number[1], comparison)
        if counted is None:
            return False
        if counted[0] == "far_entities":
            self.note(segment, counted[1])
            return self._at_least(counted[1], comparison)
        found = self.count_of(choices)
        if found is None:
            return False
        self.note(segment, found[0])
        self.add_having(found[1], comparison)
        self.close("having")
        return True

    def _counts_values(
        self, segment: Segment, option: Option, choices: Choices, comparison: Segment
    ) -> bool:
        """As in "more than 3 breakdowns" where the word is a value of the counted rows."""
        number = choices.best("numbers", "entities", "far_entities")
        if number is not None and number[1].score >= option.score:
            return False
        if (
            not segment.text.lower().endswith("s")
            and self.sketch.subject is not None
            and self.sketch.subject.is_rows
        ):
            return False
        following = self.peek(skip=False)
        if following is not None and following.kind is Kind.LINK:
            self.restrict_value(segment, option)
            self.state.comparison = comparison
            return True
        self.restrict_value(segment, option)
        self.add_having(rows_of(self.root), comparison)
        return True

    def _at_least(self, option: Option, comparison: Segment) -> bool:
        """So many related rows: "customers with at least 3 orders" under customers."""
        number = int(comparison.number or 0)
        operator = comparison.operator
        if comparison.unit:
            return False
        bounds = {
            FilterOperator.GTE: (number, False), FilterOperator.GT: (number + 1, False),
            FilterOperator.LT: (number, True), FilterOperator.LTE: (number + 1, True),
        }  # fmt: skip
        if operator is FilterOperator.EQUALS:
            self.add_existence(option.target.cube, (), False, number)
            self.add_existence(option.target.cube, (), True, number + 1)
        elif operator in bounds:
            at_least, negated = bounds[operator]
            self.add_existence(option.target.cube, (), negated, at_least)
        else:
            return False
        self.state.comparison = None
        self.close("existence", option)
        return True

    def _with_number(self, segment: Segment, choices: Choices) -> bool:
        """As in "with 4 engines", "priority 1": equality; "which 5 carriers": a limit."""
        number = self.state.number
        following = self.peek(skip=False)
        if number is None and following is not None and following.kind is Kind.NUMBER:
            return self._before_number(segment, choices, following)
        if number is None or number.number is None:
            return False
        self.state.number = None
        found = choices.best("numbers")
        subject = choices.best("entities", "groups")
        if subject is not None and (found is None or subject[1].score >= found[1].score):
            few = 1 < number.number < 1900 or (number.number == 1 and self.state.which)
            if not number.unit and few and number.number == int(number.number):
                self.sketch.limit = int(number.number)
                self.state.which = True
                return False
        if found is None:
            return False
        return self._equal(segment, found[1], number)

    def _before_number(self, segment: Segment, choices: Choices, number: Segment) -> bool:
        found = choices.best("numbers", "texts")
        values = self._value_named(found[1], number) if found is not None else False
        if found is None or found[1].score < _WEAK or self.state.aggregation or number.unit:
            return False
        if found[0] == "texts" and not values:
            return False
        done = self._equal(segment, found[1], number)
        if done:
            self.at = self.segments.index(number) + 1
        return done

    def _value_named(self, option: Option, number: Segment) -> bool:
        return option.dimension is not None and number.text in option.dimension.values

    def _equal(self, segment: Segment, option: Option, number: Segment) -> bool:
        self.note(segment, option)
        operator = FilterOperator.NOT_EQUALS if self.state.negated else FilterOperator.EQUALS
        value = number.number or 0.0
        self.sketch.conditions.append(self._filter(option, operator, value))
        self.close("comparison", option)
        return True

    def _as_mean_side(self, segment: Segment, choices: Choices) -> bool:
        return False

    def _as_output(self, segment: Segment, choices: Choices) -> bool:
        state = self.state
        following = self.peek(skip=False)
        listed = state.joined and (state.last == "output" or self._lists_columns())
        if not (state.output or listed) or choices.values and choices.values[0].score >= 0.95:
            return False
        if following is not None and following.kind is Kind.COMPARE:
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

    # figures

    def _aggregated(self, segment: Segment, choices: Choices) -> bool:
        state = self.state
        if state.aggregation is None or state.counting:
            return False
        found = choices.best("numbers", "measures", "flags")
        others = choices.best("values", "entities", "groups", "far_values")
        if found is not None and found[0] != "flags" and (
            others is None or found[1].score >= others[1].score or others[0] == "groups"
        ):  # fmt: skip
            return self._add_figure(segment, found[1])
        concept = (
            product_figure(self.root, segment.concept, state.aggregation)
            if segment.concept
            else None
        )
        if concept is not None:
            return self._add(segment, concept, "value")
        if others is not None and others[0] in ("values", "far_values"):
            return False
        if others is not None and others[0] == "entities" and self._is_total_of_rows(others[1]):
            state.counting = True
            return False
        if others is not None and others[0] == "entities":
            return self._average_row(segment, others[1]) or self._mention(segment, others[1])
        return False

    def _average_row(self, segment: Segment, option: Option) -> bool:
        """ "The average basket" is the average money of the rows, when no figure follows."""
        following = self.peek()
        behind = following is not None and following.kind is Kind.LINK and bool(
            following.concept or self.options.of(following).numbers
        )  # fmt: skip
        if self.state.aggregation is not Aggregation.AVG or option.path.joins or behind:
            return False
        figure = self.of_concept("money", Aggregation.AVG)
        if figure is None:
            return False
        self.note(segment, option)
        return self._add(segment, figure, "", option)

    def _is_total_of_rows(self, option: Option) -> bool:
        """ "Total orders" counts them, unless a figure follows: "total order value"."""
        following = self.peek()
        is_figure = following is not None and following.kind is Kind.LINK and (
            following.concept or self.options.of(following).numbers
        )  # fmt: skip
        return self.state.aggregation is Aggregation.SUM and not option.path.joins and not is_figure

    def _counted(self, segment: Segment, choices: Choices) -> bool:
        """Behind "how many" and "number of"."""
        state = self.state
        if not state.counting:
            return False
        found = choices.best("entities", "texts", "values", "flags", "numbers", "groups")
        number = choices.best("numbers")
        averaged = state.aggregation is Aggregation.AVG and number is not None
        if (
            averaged
            and number is not None
            and number[1].score >= _WEAK
            and not number[1].path.joins
        ):
            found = number
        if found is None:
            return False
        kind, option = found
        following = self.peek(skip=False)
        is_noun = following is None or following.kind is not Kind.LINK
        if kind in ("values", "flags") and not is_noun:
            return False
        state.counting = False
        if kind == "entities" and not is_noun and self._belongs_to_next(following):
            state.counting = True
            return self._mention(segment, option)
        if kind in ("values", "flags"):
            self.sketch.figures.append(rows_of(self.root))
            (self.restrict_value if kind == "values" else self.restrict_flag)(segment, option)
            self._after_average()
            return True
        figure = self._count_figure(kind, option)
        if figure is None:
            return False
        if kind == "entities" and option.path.joins and not state.distinct:
            self.sketch.cost("things are counted where they are referred to", 0.1)
        self.note(segment, option)
        self.sketch.figures.append(figure)
        self._after_average()
        self.close("figure", option)
        state.last_figure = figure
        return True

    def _belongs_to_next(self, following: Segment | None) -> bool:
        """As in "number of order lines" or "how many ad clicks": the next words are counted."""
        if following is None:
            return False
        if following.concept and product_of(self.root, following.concept) is not None:
            return True
        choices = self.options.of(following)
        found = choices.best("numbers", "entities", "texts")
        return found is not None and found[0] == "numbers" and found[1].score >= _WEAK

    def _count_figure(self, kind: str, option: Option) -> Figure | None:
        if kind == "entities" and not option.path.joins:
            return rows_of(self.root)
        if self._numbers_its_rows(option):
            return rows_of(self.root)
        if kind == "numbers":
            averaged = self.state.aggregation is Aggregation.AVG
            if averaged or (option.dimension is not None and is_additive(option.dimension)):
                fold = Aggregation.AVG if averaged else Aggregation.SUM
                self.state.aggregation = None
                return column_figure(self.root, option, fold)
            self.sketch.cost("a number is counted", 0.25)
        return distinct_figure(self.options.model, self.root, option)

    def _numbers_its_rows(self, option: Option) -> bool:
        """The number of a stop within its route: who counts stops counts rows."""
        column = option.dimension
        if column is None or not column.is_key or option.path.joins:
            return False
        keys = {pair[0] for join in self.root.joins for pair in join.columns}
        own = name_words(self.root.name, self.root.title) & (
            name_words(column.name) - {"number", "id", "code"}
        )
        return column.column not in keys and bool(own)

    def _after_average(self) -> None:
        """The average of a number of things is an average over groups."""
        if self.state.aggregation is Aggregation.AVG:
            self.sketch.averaged = True
            self.state.aggregation = None

    def _add_figure(self, segment: Segment, option: Option) -> bool:
        if option.target.kind == "measure":
            return self._add_measure(segment, option)
        fold = self.state.aggregation
        if fold is None and segment.concept in _MEASURED and segment.text.lower() not in _MEASURED:
            fold = Aggregation.SUM
        figure = column_figure(self.root, option, fold)
        if not figure.fold_said and option.dimension is not None:
            self._check_fold(option.dimension, option)
        self._check_pair()
        if option.path.joins:
            self.sketch.cost(OTHER_TABLE, 0.3)
        figure = in_unit(figure, self.state.unit)
        if self._is_unit_noun(segment, option) or self._is_same(segment, option, fold):
            return True
        if self._is_said_by_verb(segment, option):
            return True
        self.note(segment, option)
        return self._add(segment, figure, "", option)

    def _is_same(self, segment: Segment, option: Option, fold: Aggregation | None) -> bool:
        """The column of a figure that is there already, named once more without being folded."""
        known = any(
            f.column is option.dimension for f in self.sketch.figures if f.column is not None
        )
        if fold is not None or not known:
            return False
        self.note(segment, option)
        return True

    def _check_fold(self, column: Dimension, option: Option) -> None:
        """A column that could be added up or averaged, and nothing says which."""
        ranked = self.state.extreme is not None or self.sketch.extreme is not None
        if default_aggregation(column) is None and option.target.how == "name" and not ranked:
            self.sketch.cost("added up or averaged is not said", 0.26)

    def _check_pair(self) -> None:
        """ "Number of flights distance": a second figure right behind the first belongs to no list."""
        before = self.segments[self.at - 2] if self.at >= 2 else None
        adjacent = before is not None and before.kind is Kind.LINK
        if (
            self.state.last == "figure"
            and adjacent
            and not self.state.joined
            and self.sketch.figures
        ):
            self.sketch.cost("two figures side by side", 0.3)

    def _is_unit_noun(self, segment: Segment, option: Option) -> bool:
        """ "Scrap by plant, units": units of the figure before, not another figure."""
        if segment.concept not in _UNIT_CONCEPTS or not self.sketch.figures:
            return False
        if option.score >= 0.9 and self.state.preposition != "in":
            return False
        if self.state.joined and self.state.last == "figure":
            return False
        self.sketch.note(segment.text, option.target.member, "unit", 0.95)
        return True

    def _is_said_by_verb(self, segment: Segment, option: Option) -> bool:
        """ "How much discount was redeemed": a participle behind a figure only ties it to its table."""
        word = segment.text.lower()
        if (
            not word.endswith("ed")
            or " " in word
            or self.state.last not in ("figure", "group", "value", "mention")
        ):
            return False
        if not self.sketch.figures or self.state.joined or self.state.aggregation is not None:
            return False
        if self.sketch.costs.get(OTHER_TABLE) and not option.path.joins:
            self.sketch.figures.pop()
            self.sketch.costs.pop(OTHER_TABLE)
            return False
        self.sketch.note(segment.text, option.target.member, "verb", 0.95)
        return True

    def _add_measure(self, segment: Segment, option: Option) -> bool:
        from aiser_app.domain.semantic_query import MeasureTerm

        measure = self.root.find_measure(option.target.name)
        if measure is None:
            return False
        pending = self.state.aggregation
        if pending is Aggregation.AVG and measure.aggregation is Aggregation.COUNT:
            self.sketch.averaged = True
        elif pending not in (None, measure.aggregation):
            self.sketch.cost("one aggregate of another", 0.4)
        member = f"{self.root.name}.{measure.name}"
        self.note(segment, option)
        figure = Figure(
            MeasureTerm(measure=member), measure.title.lower(), member, measure.unit,
            cube=self.root.name, aggregation=measure.aggregation,
        )  # fmt: skip
        return self._add(segment, figure, "", option)

    def _add(
        self, segment: Segment, figure: Figure, how: str, option: Option | None = None
    ) -> bool:
        if how:
            self.sketch.note(segment.text, self.root.name, how, 0.78)
        state = self.state
        pending = state.comparison
        state.aggregation, state.unit, state.output = None, "", False
        if state.extreme is not None or state.last == "by_figure":
            self.sketch.extreme_figure = self.sketch.extreme_figure or figure
            state.extreme = None
        if pending is not None:
            self.add_having(figure, pending)
        elif all(f.expression != figure.expression for f in self.sketch.figures):
            self.sketch.figures.append(figure)
        self.close("figure", option)
        state.last_figure = figure
        return True

    # ranks and the rest

    def _ranked(self, segment: Segment, choices: Choices) -> bool:
        """Behind a superlative: its figure, or what is ranked."""
        extreme = self.state.extreme
        if extreme is None:
            return False
        number = choices.best("numbers", "measures")
        subject = choices.best("entities", "groups", "texts")
        value = choices.best("values", "flags")
        if value is not None and value[1].score > max(_top(number), _top(subject)):
            return False
        following = self.peek(skip=False)
        if extreme.extreme == "count" and subject is not None and _top(number) <= _top(subject):
            if (
                following is not None
                and following.kind is Kind.LINK
                and self._belongs_to_next(following)
            ):
                return self._mention(segment, subject[1])
            found = self.count_of(choices)
            if found is not None and self.sketch.subject is not None:
                self.note(segment, found[0])
                return self._add(segment, self._mass(segment, found[0]) or found[1], "", found[0])
            timed = self.sketch.part is not None or self.sketch.grain is not None
            if found is not None and timed and self.sketch.subject is None:
                self.note(segment, found[0])
                return self._add(segment, found[1], "", found[0])
            if found is not None and (
                self.state.which or extreme.number is not None or self.sketch.limit
            ):
                return self._subject(segment, subject[1])
        if number is not None and _top(number) >= _top(subject):
            return self._add_figure(segment, number[1])
        if subject is None:
            return False
        if (
            following is not None
            and following.kind is Kind.LINK
            and self._belongs_to_next(following)
        ):
            return self._mention(segment, subject[1])
        if self.sketch.subject is not None and extreme.extreme == "count":
            return self._count_ranked(segment, choices)
        if self.sketch.subject is not None:
            return self._mention(segment, subject[1])
        return self._subject(segment, self._grouped(choices, subject[1]))

    def _mass(self, segment: Segment, option: Option) -> Figure | None:
        """ "The most downtime" is no number of things: what cannot be counted is added up."""
        word = segment.text.lower()
        if option.path.joins or option.target.kind != "cube" or stem(word) != word:
            return None
        found = [d for d, _ in concept_columns(self.root, "duration") if d.unit in _UNITS]
        if not found:
            return None
        target = Target("dimension", self.root.name, found[0].name)
        return column_figure(
            self.root,
            Option(target, Path(self.root.name), 1.0, dimension=found[0]),
            Aggregation.SUM,
        )

    def _count_ranked(self, segment: Segment, choices: Choices) -> bool:
        found = self.count_of(choices)
        if found is None:
            return False
        self.note(segment, found[0])
        return self._add(segment, found[1], "", found[0])

    def _grouped(self, choices: Choices, option: Option) -> Option:
        """The same thing with what it is shown by."""
        fitting = [o for o in choices.groups if o.score >= option.score - 0.1]
        return fitting[0] if fitting else option

    def _subject(self, segment: Segment, option: Option) -> bool:
        self.note(segment, option)
        self.sketch.subject = self.as_group(option)
        own = [t for t in segment.targets if t.kind == "cube" and t.score >= 0.6]
        column = option.dimension
        keys = {pair[0] for join in self.root.joins for pair in join.columns}
        refers = column is not None and not option.path.joins and column.column in keys
        if refers or (own and all(t.cube != self.root.name for t in own)):
            self.sketch.listed_from_afar = True
        self.sketch.paths.append(option.path)
        if self.state.extreme is not None and self.state.extreme.concept:
            self.state.extreme = None
        self.close("extreme_subject" if self.sketch.extreme is not None else "entity", option)
        return True

    def _mention(self, segment: Segment, option: Option) -> bool:
        self.note(segment, option)
        self.sketch.context.append(option.target.cube)
        last, negated = self.state.last, self.state.negated
        self.close(last, self.state.last_option)
        self.state.negated = negated
        self.state.last = last or "mention"
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
        """ "Cancelled bookings" by the date of the cancellation, which the others lack."""
        word = segment.text.lower()
        column = option.dimension
        if column is None or not word.endswith("ed") or column.null_fraction < 0.02:
            return False
        if (
            self.is_kind(following, Kind.DATE, Kind.GRAIN, Kind.CUE)
            or self.sketch.lists
            and self.state.joined
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
        """ "Completed in May", "finished later than planned": the date of the event, not its state."""
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
            return False
        option = self._as_options(found.name)[0]
        self.sketch.note(segment.text, option.target.member, "verb", 0.93)
        self.state.last_moment = Moment(option.target.member)
        self.close("time", option)
        return True

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
            self.restrict_flag(segment, option)
        elif kind == "far_values":
            cost = self.sketch.costs.get(FAR, 0.0)
            said = self.state.relative or self.state.quantifier or "contain" in self.state.verbs
            self.restrict_far(segment, option)
            self.sketch.cost(FAR, cost + (0.04 if said else 0.2))
        elif kind == "far_entities":
            self.note(segment, option)
            if state.counting:
                self.sketch.cost("what is counted has no place here", 0.4)
            self.add_existence(option.target.cube, (), state.negated)
            self.sketch.cost(FAR, 0.08 if state.relative or "with" in state.verbs else 0.2)
            self.close("existence", option)
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


def _top(found: tuple[str, Option] | None) -> float:
    return found[1].score if found is not None else 0.0
