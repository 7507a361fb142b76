"""Phrases beside comparisons and numbers: of one row, of a group, of related rows."""

from __future__ import annotations

from aiser_app.domain.semantic_model import Aggregation
from aiser_app.domain.semantic_query import FilterOperator
from aiser_app.planner.clauses.counting import Counting
from aiser_app.planner.clauses.figuring import (
    column_figure,
    in_unit,
    rows_of,
)
from aiser_app.planner.clauses.options import Choices
from aiser_app.planner.resolving import Option
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.units import convert
from aiser_app.planner.vocabulary import UNITS

_WEAK = 0.5
_CURRENCIES = frozenset(("eur", "usd", "gbp", "euro", "dollar", "pound", "euros"))


class Comparing(Counting):
    """Comparisons with numbers."""

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
        if counted is not None and counted[0] == "entities" and self._leads_to_figure():
            return self._mention(segment, counted[1])
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
            self.state.number = number
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
