"""Filters: values, comparisons with units, yes/no columns, conditions on measures."""

from __future__ import annotations

from aiser_app.domain.semantic_model import Cube, Dimension, DimensionType
from aiser_app.domain.semantic_query import FilterOperator
from aiser_app.planner.draft import Draft, FilterUse
from aiser_app.planner.picking import Picker
from aiser_app.planner.resolving import Option, Resolver, is_number
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.units import convert, number_text

_OPPOSITE = {
    FilterOperator.GT: FilterOperator.LTE, FilterOperator.GTE: FilterOperator.LT,
    FilterOperator.LT: FilterOperator.GTE, FilterOperator.LTE: FilterOperator.GT,
    FilterOperator.EQUALS: FilterOperator.NOT_EQUALS,
    FilterOperator.NOT_EQUALS: FilterOperator.EQUALS,
}  # fmt: skip


class Conditions:
    """Adds filters to a draft."""

    def __init__(self, resolver: Resolver, root: Cube, picker: Picker) -> None:
        self._resolver = resolver
        self._root = root
        self._picker = picker

    @property
    def _draft(self) -> Draft:
        return self._picker.draft

    def value(self, segment: Segment, options: list[Option], negated: bool) -> None:
        chosen = self._picker.pick(segment, options)
        self._equals(chosen, chosen.target.value, negated)

    def with_value(self, segment: Segment, following: Segment, negated: bool) -> bool:
        """A column followed by one of its values, or by a quoted literal."""
        options = self._resolver.dimensions(segment)
        if following.kind is Kind.LITERAL:
            options = [o for o in options if self._may_hold(o, following.text)]
            if not options:
                return False
            chosen = self._picker.pick(segment, options)
            self._equals(chosen, following.text, negated)
            return True
        for option in self._resolver.values(following):
            fits = [o for o in options if _same_column(o, option)]
            groups = self._resolver.groups(segment) if not fits else []
            fits = fits or [
                g for g in groups if any(r.member == option.target.member for r in g.refs)
            ]
            if fits:
                self._picker.note(segment, fits[0])
                self._picker.note(following, option)
                self._equals(option, option.target.value, negated)
                return True
        return False

    def _may_hold(self, option: Option, text: str) -> bool:
        dimension = option.dimension
        if dimension is None or dimension.type is not DimensionType.STRING:
            return False
        return not dimension.values or dimension.is_sampled or text in dimension.values

    def _equals(self, option: Option, value: str, negated: bool) -> None:
        operator = FilterOperator.NOT_EQUALS if negated else FilterOperator.EQUALS
        for use in self._draft.filters:
            same = use.member == option.target.member and use.role == option.role
            if same and use.operator is operator:
                if value not in use.values:
                    use.values.append(value)
                return
        self._add(option, operator, [value])

    def _add(
        self, option: Option, operator: FilterOperator, values: list[str], unit: str = ""
    ) -> None:
        self._draft.filters.append(
            FilterUse(
                option.target.member, operator, values, option.role, option.title, unit, option.path
            )
        )

    def compare(self, segment: Segment, comparison: Segment, negated: bool) -> bool:
        """As in "arrival delay over 60"; False when the phrase is no number column."""
        options = self._resolver.numbers(segment)
        if not options or comparison.number is None:
            return False
        return self._compare(self._picker.pick(segment, options), comparison, negated)

    def _compare(self, option: Option, comparison: Segment, negated: bool) -> bool:
        column_unit = option.dimension.unit if option.dimension else ""
        bounds = self._bounds(comparison, column_unit)
        if bounds is None:
            self._draft.fail(f"the unit of “{option.title}” is not known as “{comparison.unit}”")
            return False
        if negated and len(bounds) > 1:
            self._draft.fail("a negated range")
            return False
        for operator, number in bounds:
            wanted = _OPPOSITE[operator] if negated else operator
            self._add(option, wanted, [number_text(number)], column_unit)
        return True

    def _bounds(
        self, comparison: Segment, column_unit: str
    ) -> list[tuple[FilterOperator, float]] | None:
        low = convert(comparison.number or 0.0, comparison.unit, column_unit)
        if low is None:
            return None
        bounds = [(comparison.operator, low)]
        if comparison.upper is not None:
            high = convert(comparison.upper, comparison.unit, column_unit)
            if high is None:
                return None
            bounds.append((FilterOperator.LTE, high))
        return bounds

    def equal(self, segment: Segment, number: Segment, negated: bool) -> bool:
        """As in "with 4 engines"."""
        options = self._resolver.numbers(segment)
        if not options:
            return False
        return self._compare(self._picker.pick(segment, options), number, negated)

    def having(self, comparison: Segment) -> bool:
        """A condition on the measure that was read last; on rows while it has no aggregation."""
        use = self._draft.measures[-1] if self._draft.measures else None
        if use is None or comparison.number is None:
            return False
        measure = self._root.find_measure(use.member.partition(".")[2])
        if measure is not None:
            return self._add_bounds(use.member, measure.title, measure.unit, comparison)
        if use.dimension is None:
            return False
        self._draft.measures.pop()
        return self._on_column(use.dimension, comparison)

    def by_unit(self, comparison: Segment) -> bool:
        """As in "longer than 2 hours": the unit names the column, if only one has that kind."""
        if not comparison.unit or comparison.number is None:
            return False
        fitting = [
            d
            for d in self._root.dimensions
            if is_number(d) and d.unit and convert(1.0, comparison.unit, d.unit) is not None
        ]
        if len(fitting) != 1:
            return False
        title = fitting[0].title
        self._draft.assume(f"“{comparison.text}” is about {title}, the only one in that unit.")
        self._draft.cost("column found by its unit", 0.1)
        return self._on_column(fitting[0], comparison)

    def _on_column(self, column: Dimension, comparison: Segment) -> bool:
        member = f"{self._root.name}.{column.name}"
        return self._add_bounds(member, column.title, column.unit, comparison)

    def _add_bounds(self, member: str, title: str, unit: str, comparison: Segment) -> bool:
        bounds = self._bounds(comparison, unit)
        for operator, number in bounds or []:
            self._draft.filters.append(
                FilterUse(member, operator, [number_text(number)], title=title, unit=unit)
            )
        return bounds is not None

    def flag(self, segment: Segment, negated: bool) -> bool:
        """A yes/no column named like an adjective: "cancelled orders"."""
        options = [
            o
            for o in self._resolver.dimensions(segment)
            if o.dimension is not None and o.dimension.type is DimensionType.BOOLEAN
        ]
        if not options:
            return False
        self._add(
            self._picker.pick(segment, options), FilterOperator.EQUALS,
            ["false" if negated else "true"],
        )  # fmt: skip
        return True

    def cubes_of(self, member: str) -> set[str]:
        """The cube that holds a column, and the ones that its key refers to."""
        return {member.partition(".")[0]} | self._resolver.referred_by(member)


def _same_column(left: Option, right: Option) -> bool:
    return left.target.member == right.target.member and left.role == right.role
