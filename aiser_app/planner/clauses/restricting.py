"""Conditions: values, yes/no columns, missing values, comparisons, texts, and related rows."""

from __future__ import annotations

from dataclasses import replace

from typing_extensions import override

from aiser_app.domain.semantic_model import Dimension, DimensionType
from aiser_app.domain.semantic_query import (
    Condition,
    Existence,
    Filter,
    FilterGroup,
    FilterOperator,
)
from aiser_app.planner.clauses.defaulting import Defaulting
from aiser_app.planner.clauses.figuring import (
    flag_condition,
)
from aiser_app.planner.clauses.options import Choices
from aiser_app.planner.clauses.sketch import Figure, Having
from aiser_app.planner.clauses.timeliness import planned_time
from aiser_app.planner.clauses.walking import ROLE_OPEN
from aiser_app.planner.join_paths import token_of
from aiser_app.planner.lexicon import own_key
from aiser_app.planner.measuring import name_words
from aiser_app.planner.resolving import Option, is_number
from aiser_app.planner.segments import Segment
from aiser_app.planner.units import convert, number_text
from aiser_app.planner.words import root as root_of
from aiser_app.planner.words import split_name

_OPPOSITE = {
    FilterOperator.GT: FilterOperator.LTE, FilterOperator.GTE: FilterOperator.LT,
    FilterOperator.LT: FilterOperator.GTE, FilterOperator.LTE: FilterOperator.GT,
    FilterOperator.EQUALS: FilterOperator.NOT_EQUALS,
    FilterOperator.NOT_EQUALS: FilterOperator.EQUALS,
}  # fmt: skip
_TIME_UNIT_WORDS = frozenset(
    ["second", "minute", "hour", "day", "week", "h", "min", "s", "d", "hr"]
)
_LENGTHS = frozenset(("duration", "length", "elapsed", "runtime", "distance", "weight", "amount"))
_RELATIONS = {
    "later": FilterOperator.GT, "earlier": FilterOperator.LT,
    "more_than": FilterOperator.GT, "less_than": FilterOperator.LT,
}  # fmt: skip


class Restricting(Defaulting):
    """Adds conditions to the sketch."""

    def restrict_value(self, segment: Segment, option: Option) -> None:
        """Another value of the same column means either of them."""
        self.note(segment, option)
        operator = self._value_operator(option, negated=self.state.negated)
        new = Filter(
            member=option.target.member, operator=operator, values=(option.target.value,),
            role=option.role,
        )  # fmt: skip
        self.add_value(new)
        self.close("value", option)

    def _value_operator(self, option: Option, *, negated: bool = False) -> FilterOperator:
        if option.target.kind == "prefix":
            return FilterOperator.NOT_STARTS_WITH if negated else FilterOperator.STARTS_WITH
        return FilterOperator.NOT_EQUALS if negated else FilterOperator.EQUALS

    def add_value(self, new: Filter) -> None:
        conditions = self.sketch.conditions
        for place, known in enumerate(conditions):
            if (
                not isinstance(known, Filter)
                or known.member != new.member
                or known.role != new.role
            ):
                continue
            if known.operator is new.operator and known.operator in (
                FilterOperator.EQUALS, FilterOperator.NOT_EQUALS
            ):  # fmt: skip
                values = tuple(dict.fromkeys((*known.values, *new.values)))
                conditions[place] = replace(known, values=values)
                return
        if self.state.either:
            self._or_else(new)
        else:
            conditions.append(new)

    def _or_else(self, new: Condition) -> None:
        """Behind "or" another column: one of the two conditions is enough."""
        conditions = self.sketch.conditions
        if not conditions or self.state.last not in ("value", "flag", "comparison"):
            self.sketch.cost("“or” between different things", 0.4)
            conditions.append(new)
            return
        conditions[-1] = self.any_of(conditions[-1], new)

    def restrict_flag(self, segment: Segment, option: Option) -> None:
        self.note(segment, option)
        self.sketch.conditions.append(flag_condition(option, is_true=not self.state.negated))
        self.close("flag", option)

    def restrict_far(self, segment: Segment, option: Option) -> None:
        """A value that only rows of another table have: rows for which such rows exist."""
        self.note(segment, option)
        negated = self.state.negated or self.state.quantifier in ("without", "never")
        condition: Condition
        if option.target.kind != "dimension":
            condition = Filter(
                member=option.target.member, operator=self._value_operator(option),
                values=(option.target.value,),
            )  # fmt: skip
        else:
            condition = flag_condition(option, is_true=True)
        self.add_existence(self.options.way_to_many(option.target.cube), (condition,), negated)
        self.close("value", option)

    def add_existence(
        self,
        cube: str,
        conditions: tuple[Condition, ...] = (),
        negated: bool = False,
        at_least: int = 1,
    ) -> None:
        """Conditions on the same related table belong to the same related row."""
        known = [c for c in self.sketch.conditions if isinstance(c, Existence) and c.cube == cube]
        if known and known[-1].is_negated == negated and at_least == 1:
            merged = replace(known[-1], conditions=(*known[-1].conditions, *conditions))
            self.sketch.conditions[self.sketch.conditions.index(known[-1])] = merged
            return
        self.sketch.conditions.append(
            Existence(
                cube=cube,
                conditions=conditions,
                is_negated=negated,
                of=self.root.name,
                at_least=at_least,
                role=self._existence_role(cube),
            )
        )

    def _existence_role(self, cube: str) -> str:
        """Of several joins back to the root, the one whose role the question names."""
        owner = self.options.model.find_cube(cube)
        joins = [j for j in owner.joins if j.target == self.root.name] if owner is not None else []
        if len(joins) < 2:
            return ""
        words = {root_of(s.text.lower()) or s.text.lower() for s in self.segments}
        for join in joins:
            roles = {root_of(w) or w for w in split_name(join.role)}
            if roles & words:
                return join.role
        plain = [j for j in joins if all(own == key for own, key in j.columns)]
        self.sketch.cost(ROLE_OPEN, 0.05 if plain else 0.3)
        return token_of((plain or joins)[0])

    def restrict_null(self, segment: Segment, choices: Choices, *, is_null: bool) -> bool:
        """As in "products with no brand", "cost is missing"."""
        found = choices.best("numbers", "times", "texts", "flags")
        member, role = "", ""
        if found is not None and found[1].score >= 0.5:
            member, role = found[1].target.member, found[1].role
            self.note(segment, found[1])
        entity = choices.best("entities")
        if entity is not None and (found is None or entity[1].score > found[1].score + 0.1):
            joins = entity[1].path.joins
            key = own_key(self.root, joins[0].columns) if len(joins) == 1 else None
            if key is None and found is None:
                return False
            if key is not None:
                member, role = f"{self.root.name}.{key.name}", ""
                self.note(segment, entity[1])
        if not member:
            return False
        operator = FilterOperator.NOT_SET if is_null else FilterOperator.SET
        self.sketch.conditions.append(Filter(member=member, operator=operator, role=role))
        self.close("null")
        return True

    def compare(self, segment: Segment, option: Option, comparison: Segment) -> bool:
        """A column of the row against a number, in the unit of the column."""
        dimension = option.dimension
        if dimension is None or comparison.number is None:
            return False
        low = convert(comparison.number, comparison.unit, dimension.unit)
        if low is None and (dimension.unit or comparison.unit in _TIME_UNIT_WORDS):
            return False
        low = comparison.number if low is None else low
        operator = (
            _OPPOSITE.get(comparison.operator, comparison.operator)
            if self.state.negated
            else comparison.operator
        )
        self.note(segment, option)
        filters: list[Condition] = [self._filter(option, operator, low)]
        if comparison.upper is not None:
            high = convert(comparison.upper, comparison.unit, dimension.unit) or comparison.upper
            both = (
                self._filter(option, FilterOperator.GTE, low),
                self._filter(option, FilterOperator.LTE, high),
            )
            filters = (
                [FilterGroup(conditions=both, is_negated=True)]
                if self.state.negated
                else list(both)
            )
        if self.state.either and len(filters) == 1:
            self._or_else(filters[0])
        else:
            self.sketch.conditions.extend(filters)
        self.state.comparison = None
        self.close("comparison", option)
        return True

    def _filter(self, option: Option, operator: FilterOperator, value: float) -> Filter:
        return Filter(
            member=option.target.member, operator=operator, values=(number_text(value),),
            role=option.role,
        )  # fmt: skip

    def add_having(self, figure: Figure, comparison: Segment) -> None:
        number = comparison.number or 0.0
        unit = figure.unit
        low = convert(number, comparison.unit, unit) if comparison.unit and unit else number
        operator = (
            _OPPOSITE.get(comparison.operator, comparison.operator)
            if self.state.negated
            else comparison.operator
        )
        self.sketch.having.append(Having(figure, operator, (number_text(low or number),)))
        if comparison.upper is not None:
            high = (
                convert(comparison.upper, comparison.unit, unit)
                if comparison.unit and unit
                else None
            )
            value = number_text(high or comparison.upper)
            self.sketch.having.append(Having(figure, FilterOperator.LTE, (value,)))
        self.state.comparison = None

    def compare_columns(self, segment: Segment, option: Option) -> bool:
        """As in "delivered later than promised": the column before against this one."""
        before, relation = self.state.last_option, self.state.relation
        if before is not None and before.dimension is not None:
            option = self._fitting_time(before.dimension, option)
        if before is None or before.dimension is None or option.dimension is None:
            return False
        if before.dimension.type is not option.dimension.type or before.target == option.target:
            return False
        operator = _RELATIONS[relation]
        if self.state.negated:
            operator = _OPPOSITE[operator]
        self.note(segment, option)
        self.sketch.conditions.append(
            Filter(
                member=before.target.member,
                role=before.role,
                operator=operator,
                other=option.target.member,
                other_role=option.role,
            )
        )
        self.state.relation = ""
        self._drop_figure(before)
        self.close("comparison", option)
        return True

    def _fitting_time(self, before: Dimension, option: Option) -> Option:
        """Of several planned dates, the one for the same event."""
        if before.type is not DimensionType.TIME or option.target.score >= 0.9:
            return option
        planned = planned_time(self.root, before)
        return next(iter(self._as_options(planned.name)), option) if planned is not None else option

    def _drop_figure(self, option: Option) -> None:
        """What is compared with another column is not shown."""
        self.sketch.figures = [f for f in self.sketch.figures if f.column is not option.dimension]

    def by_unit(self, comparison: Segment) -> bool:
        """As in "flights longer than 2 hours": the only column with such a unit."""
        fitting = [
            d
            for d in self.root.dimensions
            if is_number(d) and d.unit and comparison.unit
            and convert(1.0, comparison.unit, d.unit) is not None
        ]  # fmt: skip
        if len(fitting) != 1:
            return False
        if not name_words(fitting[0].name, fitting[0].title) & _LENGTHS:
            self.sketch.cost("what is that long is not said", 0.26)
        option = next(iter(self._as_options(fitting[0].name)), None)
        return option is not None and self.compare(comparison, option, comparison)

    def any_of(self, first: Condition, second: Condition) -> FilterGroup:
        return FilterGroup(conditions=(first, second), is_any=True)

    @override
    def _on_date(self, segment: Segment) -> None:
        """Behind related rows the period is theirs: "vehicles without a route in 2025"."""
        if self.state.negated:
            self.sketch.cost(f"not “{segment.text}”", 0.4)
        last = self.sketch.conditions[-1] if self.sketch.conditions else None
        span = segment.span
        if self.state.last != "existence" or not isinstance(last, Existence) or span is None:
            super()._on_date(segment)
            return
        cube = self.options.model.find_cube(last.cube)
        name = cube.default_time_dimension if cube is not None else ""
        if not name or span.start is None or span.end is None:
            super()._on_date(segment)
            return
        member = name if "." in name else f"{last.cube}.{name}"
        item = Filter(
            member=member, operator=FilterOperator.IN_DATE_RANGE,
            values=(span.start.isoformat(), span.end.isoformat()),
        )  # fmt: skip
        self.sketch.conditions[-1] = replace(last, conditions=(*last.conditions, item))
