"""Conditions: values, yes/no columns, missing values, comparisons, texts, and related rows."""

from __future__ import annotations

from dataclasses import replace

from aiser_app.domain.semantic_model import Aggregation, Dimension, DimensionType
from aiser_app.domain.semantic_query import (
    Condition,
    Existence,
    Filter,
    FilterGroup,
    FilterOperator,
    TimePart,
)
from aiser_app.planner.clauses.concepts import concept_columns
from aiser_app.planner.clauses.figuring import (
    column_figure,
    distinct_figure,
    flag_condition,
    product_figure,
    rows_of,
)
from aiser_app.planner.clauses.options import Choices
from aiser_app.planner.clauses.sketch import Figure, Having, Moment
from aiser_app.planner.clauses.timeliness import planned_time, time_of_verb
from aiser_app.planner.clauses.walking import ROLE_OPEN, Walk
from aiser_app.planner.join_paths import Path, token_of
from aiser_app.planner.lexicon import Target, own_key
from aiser_app.planner.measuring import name_words
from aiser_app.planner.resolving import Option, is_number
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.units import convert, number_text
from aiser_app.planner.words import root as root_of
from aiser_app.planner.words import split_name

_OPPOSITE = {
    FilterOperator.GT: FilterOperator.LTE, FilterOperator.GTE: FilterOperator.LT,
    FilterOperator.LT: FilterOperator.GTE, FilterOperator.LTE: FilterOperator.GT,
    FilterOperator.EQUALS: FilterOperator.NOT_EQUALS,
    FilterOperator.NOT_EQUALS: FilterOperator.EQUALS,
}  # fmt: skip
_TIME_UNIT_WORDS = frozenset("second minute hour day week h min s d hr".split())
_TEXTS = frozenset("comment text note notes description message body remark".split())
_RELATIONS = {
    "later": FilterOperator.GT, "earlier": FilterOperator.LT,
    "more_than": FilterOperator.GT, "less_than": FilterOperator.LT,
}  # fmt: skip


class Restricting(Walk):
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
            )  # fmt: skip
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

    # comparisons

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
            )  # fmt: skip
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
        option = next(iter(self._as_options(fitting[0].name)), None)
        return option is not None and self.compare(comparison, option, comparison)

    def _as_options(self, name: str) -> list[Option]:
        dimension = self.root.find_dimension(name)
        target = Target("dimension", self.root.name, name, how="unit", score=0.85)
        return [Option(target, Path(self.root.name), 0.85, dimension=dimension, title=name)]

    def of_concept(self, concept: str, fold: Aggregation | None) -> Figure | None:
        default = next((m for m in self.root.measures if m.is_default), None)
        found = concept_columns(self.root, concept)
        if default is not None and concept == "money" and not found:
            return None
        if found:
            dimension = found[0][0]
            target = Target(
                "dimension", self.root.name, dimension.name, how="synonym", score=found[0][1]
            )
            option = Option(target, Path(self.root.name), found[0][1], dimension=dimension)
            return column_figure(self.root, option, fold)
        return product_figure(self.root, concept, fold)

    # texts

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
            )  # fmt: skip
        )
        self.close("value")

    def any_of(self, first: Condition, second: Condition) -> FilterGroup:
        return FilterGroup(conditions=(first, second), is_any=True)

    # dates

    def default_moment(self) -> Moment | None:
        """The root's own date, or that of the nearest table that has one."""
        name = self.root.default_time_dimension
        if name:
            return Moment(name if "." in name else f"{self.root.name}.{name}")
        near: list[tuple[int, str]] = []
        for other in self.options.lexicon.paths.reachable(self.root.name):
            cube = self.options.model.find_cube(other)
            paths = self.options.lexicon.paths.to(self.root.name, other)
            if cube is not None and len(paths) == 1 and cube.default_time_dimension:
                name = cube.default_time_dimension
                near.append((len(paths[0].joins), name if "." in name else f"{other}.{name}"))
        near.sort()
        if not near or (len(near) > 1 and near[0][0] == near[1][0] and not self._is_event(near)):
            return None
        return Moment(near[0][1])

    def _is_event(self, near: list[tuple[int, str]]) -> bool:
        """Of two tables at the same distance, the larger one holds the events."""
        sizes = []
        for _, member in near[:2]:
            cube = self.options.model.find_cube(member.partition(".")[0])
            sizes.append(cube.row_count if cube is not None else 0)
        if sizes[1] > sizes[0]:
            near[0], near[1] = near[1], near[0]
        return max(sizes) > 5 * min(sizes)

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

    def moment_of_cube(self, name: str) -> Moment | None:
        """The date of a table that was just named: "routes of 2025"."""
        cube = self.options.model.find_cube(name)
        paths = self.options.lexicon.paths.to(self.root.name, name)
        if (
            cube is None
            or name == self.root.name
            or len(paths) != 1
            or not cube.default_time_dimension
        ):
            return None
        member = cube.default_time_dimension
        return Moment(member if "." in member else f"{name}.{member}", paths[0].role)

    def _by_verb(self) -> Moment | None:
        """ "Orders shipped in May": the date column that shares its root with a verb just before."""
        before = self.segments[self.at - 3 : self.at - 1]
        named = [
            t.cube
            for s in before
            if s.kind is Kind.LINK
            for t in s.targets
            if t.kind == "cube" and t.score > 0.9
        ]
        if named and self.sketch.figures:
            return self.moment_of_cube(named[0])
        words = [w for w in self.state.verbs[-4:] if len(w) > 2]
        for word in reversed(words):
            found = time_of_verb(self.root, word)
            if found is not None:
                return Moment(f"{self.root.name}.{found.name}")
        words = [w for w in words if len(w) > 3]
        for dimension in self.root.dimensions:
            if dimension.type is not DimensionType.TIME or dimension.is_hidden:
                continue
            roots = {root_of(w) for w in name_words(dimension.name, dimension.title)} - {""}
            if any(root_of(w) in roots for w in words):
                return Moment(f"{self.root.name}.{dimension.name}")
        return None

    def count_of(self, choices: Choices) -> tuple[Option, Figure] | None:
        """What "more than 5 orders" counts: rows of the root, or different things they refer to."""
        found = choices.best("entities", "texts", "groups")
        if found is None:
            return None
        option = found[1]
        if option.dimension is not None and option.dimension.type is DimensionType.TIME:
            return None
        if option.target.kind == "cube" and not option.path.joins:
            return option, rows_of(self.root)
        figure = distinct_figure(self.options.model, self.root, option)
        return (option, figure) if figure is not None else None

    def sum_of(self, choices: Choices) -> tuple[Option, Figure] | None:
        found = choices.best("numbers")
        if found is None:
            return None
        return found[1], column_figure(self.root, found[1], self.state.aggregation)

    def is_kind(self, segment: Segment | None, *kinds: Kind) -> bool:
        return segment is not None and segment.kind in kinds
