"""From a completed sketch to a semantic query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from aiser_app.domain.semantic_model import DimensionType
from aiser_app.domain.semantic_query import (
    Condition,
    DimensionRef,
    Filter,
    FilterGroup,
    FilterOperator,
    Granularity,
    Metric,
    Order,
    SemanticQuery,
    TimeDimension,
    TimePart,
)
from aiser_app.planner.clauses.completing import Completing
from aiser_app.planner.clauses.sketch import Figure, Group, Moment, Sketch
from aiser_app.planner.clauses.timeliness import validity
from aiser_app.planner.concepts import concept_columns
from aiser_app.planner.dates import DateSpan, overlaps, years_possible
from aiser_app.planner.unmatched import known_references
from aiser_app.planner.words import split_name

_TIME_WORDS = {"low": False, "high": True}
COUNTED_AFAR = "things are counted where they are referred to"
NO_DATA = "the data has nothing for"


class Assembling:
    """Builds the query of one completed walk."""

    def __init__(self, walk: Completing, today: date) -> None:
        self.walk = walk
        self.sketch: Sketch = walk.sketch
        self.today = today
        self.metrics: list[Metric] = []
        self.names: dict[object, str] = {}
        self._in_force: list[Condition] = []

    def query(self) -> SemanticQuery | None:
        sketch = self.sketch
        times, dated = self._times()
        filters = [*sketch.conditions, *dated, *self._in_force]
        if sketch.failure:
            return None
        if self._lists_rows():
            return self._row_list(filters, times)
        return self._grouped(filters, times)

    # figures

    def name_of(self, figure: Figure) -> str:
        """The measure of the model, or a metric of this query."""
        if figure.measure:
            return figure.measure
        known = self.names.get(figure.expression)
        if known is not None:
            return known
        base = "_".join(split_name(figure.title))[:50] or "figure"
        name, number = base, 2
        while any(m.name == name for m in self.metrics):
            name, number = f"{base}_{number}", number + 1
        self.metrics.append(
            Metric(
                name=name,
                expression=figure.expression,
                title=figure.title.capitalize(),
                unit=figure.unit or ("%" if figure.is_percentage else ""),
                is_percentage=figure.is_percentage,
            )
        )
        self.names[figure.expression] = name
        return name

    # grouped

    def _grouped(self, filters: list[Condition], times: tuple[TimeDimension, ...]) -> SemanticQuery:
        sketch = self.sketch
        measures = [self.name_of(f) for f in sketch.figures]
        filters = [*filters, *self._known(), *self._having()]
        order = self._order(measures)
        dims = [ref for group in sketch.groups for ref in group.refs]
        self._check_names(*sketch.groups)
        dims += [r for r in sketch.outputs if r not in dims]
        if (
            sketch.subject is not None
            and sketch.subject.is_rows
            and not dims
            and sketch.having
            and not measures
        ):
            dims = list(sketch.subject.refs)
        return SemanticQuery(
            measures=tuple(measures), dimensions=tuple(dims), time_dimensions=times,
            filters=tuple(filters), order=order, limit=self._limit(bool(order)),
            metrics=tuple(self.metrics), limit_by=self._limit_by(),
        )  # fmt: skip

    def _known(self) -> list[Filter]:
        """Groups of another table: rows that refer to none of them are left out."""
        paths = [g.path for g in self.sketch.groups]
        model = self.walk.options.model
        found = known_references(model, self.walk.root, paths)
        for item in found:
            column = model.find_dimension(item.member)
            title = column.title.lower() if column is not None else item.member
            self.sketch.assume(f"Rows without a {title} are left out.")
        return found

    def _limit_by(self) -> tuple[DimensionRef, ...]:
        """As in "The best product of each category": the limit holds within the other groups."""
        sketch = self.sketch
        others = [
            g for g in sketch.groups if sketch.subject is None or g.refs != sketch.subject.refs
        ]
        if sketch.extreme is None or sketch.subject is None or not others:
            return ()
        return tuple(ref for group in others for ref in group.refs)

    def _having(self) -> list[Condition]:
        found: list[Condition] = []
        for having in self.sketch.having:
            name = self.name_of(having.figure)
            found.append(Filter(member=name, operator=having.operator, values=having.values))
        return found

    def _limit(self, is_ordered: bool) -> int | None:
        sketch = self.sketch
        if sketch.limit is not None:
            return sketch.limit
        return 1 if sketch.extreme is not None and is_ordered and self._is_single() else None

    def _is_single(self) -> bool:
        """As in "Which product …", "the machine with the most …": one is asked for."""
        extreme = self.sketch.extreme
        return extreme is not None and extreme.extreme != "pick"

    def _order(self, measures: list[str]) -> tuple[Order, ...]:
        sketch = self.sketch
        by_group = bool(sketch.groups)
        if sketch.extreme is not None and sketch.extreme_figure is not None:
            high = sketch.extreme.direction in ("high", "best")
            return (Order(member=self.name_of(sketch.extreme_figure), descending=high),)
        if sketch.order_figure is not None:
            down = True if sketch.descending is None else sketch.descending
            return (Order(member=self.name_of(sketch.order_figure), descending=down),)
        if sketch.order_by_name and by_group:
            member = sketch.groups[0].refs[0].member
            return (Order(member=member, descending=bool(sketch.descending)),)
        if sketch.grain is not None and sketch.limit is None and sketch.descending is None:
            moment = self._moment()
            return (Order(member=moment.member),) if moment is not None else ()
        if sketch.part is not None and sketch.descending is None:
            moment = self._moment()
            return (Order(member=moment.member),) if moment is not None else ()
        if measures and (by_group or sketch.grain is not None) and sketch.part is None:
            down = True if sketch.descending is None else sketch.descending
            return (Order(member=measures[0], descending=down),)
        return ()

    # lists of rows

    def _lists_rows(self) -> bool:
        sketch = self.sketch
        subject = sketch.subject
        if sketch.figures or sketch.groups or sketch.grain is not None or sketch.having:
            return False
        return bool(sketch.outputs) or (subject is not None and subject.is_rows)

    def _row_list(
        self, filters: list[Condition], times: tuple[TimeDimension, ...]
    ) -> SemanticQuery:
        sketch = self.sketch
        dims: list[DimensionRef] = []
        if sketch.subject is not None and not self._names_itself():
            dims.extend(sketch.subject.refs)
        dims.extend(r for r in sketch.outputs if r not in dims)
        self._check_names(sketch.subject)
        order = self._row_order(dims)
        plain = tuple(t for t in times if t.date_range)
        return SemanticQuery(
            dimensions=tuple(dims), filters=tuple(filters), order=order, time_dimensions=plain,
            limit=self._limit(bool(order)), is_ungrouped=True,
        )  # fmt: skip

    def _check_names(self, *groups: Group | None) -> None:
        for group in groups:
            if group is not None and group.is_nameless and not self.walk.root.primary_key:
                self.sketch.cost(f"“{group.title}” has nothing to be shown by", 0.4)

    def _names_itself(self) -> bool:
        """The columns asked for tell the rows apart already: "order number and total"."""
        label = next((d.name for d in self.walk.root.dimensions if d.is_label), "")
        keys = {d.name for d in self.walk.root.dimensions if d.column in self.walk.root.primary_key}
        shown = {r.member.partition(".")[2] for r in self.sketch.outputs}
        return bool(shown & (keys | {label}))

    def _row_order(self, dims: list[DimensionRef]) -> tuple[Order, ...]:
        sketch = self.sketch
        if sketch.extreme is None:
            if sketch.order_figure is not None and sketch.order_figure.column is not None:
                member = f"{self.walk.root.name}.{sketch.order_figure.column.name}"
                return (Order(member=member, descending=sketch.descending is not False),)
            return ()
        if sketch.extreme.concept == "time":
            moment = self._moment()
            return (
                (Order(member=moment.member, descending=_TIME_WORDS[sketch.extreme.direction]),)
                if moment
                else ()
            )
        figure = sketch.extreme_figure
        if figure is None or figure.column is None:
            return ()
        member = f"{self.walk.root.name}.{figure.column.name}"
        ref = DimensionRef(member=member)
        if ref not in dims:
            dims.append(ref)
        return (Order(member=member, descending=sketch.extreme.direction in ("high", "best")),)

    # time

    def _moment(self) -> Moment | None:
        return self.sketch.moment or self.walk.default_moment()

    def _times(self) -> tuple[tuple[TimeDimension, ...], list[Condition]]:
        sketch = self.sketch
        needed = sketch.grain is not None or sketch.part is not None
        self._check_borrowed(needed or bool(sketch.spans))
        spans = [
            (span, moment or sketch.moment or self.walk.default_moment())
            for span, moment in sketch.spans
        ]
        if any(moment is None for _, moment in spans):
            sketch.fail(f"{self.walk.root.title} have no date")
            return (), []
        resolved = [
            (self._resolved(span, moment), moment) for span, moment in spans if moment is not None
        ]
        resolved = [hit for hit in resolved if not self._is_in_force(*hit)]
        if sketch.failure or not (resolved or needed):
            return (), []
        moment = self._moment() if needed else (resolved[0][1] if resolved else None)
        if needed and len(resolved) == 1 and sketch.moment is None:
            moment = resolved[0][1]
        if moment is None:
            if needed:
                sketch.fail(f"{self.walk.root.title} have no date")
            return (), []
        bounds, filters = self._bounds(resolved, moment)
        if not needed and bounds is None:
            return (), filters
        if sketch.grain is Granularity.YEAR and sketch.part is None:
            sketch.part = TimePart.YEAR
        grain = None if sketch.part is not None else sketch.grain
        time = TimeDimension(
            dimension=moment.member,
            role=moment.role,
            granularity=grain,
            part=sketch.part,
            date_range=bounds,
        )
        return (time,), filters

    def _check_borrowed(self, is_dated: bool) -> None:
        """Things without a date of their own, dated by whatever refers to them."""
        sketch = self.sketch
        afar = sketch.listed_from_afar or COUNTED_AFAR in sketch.costs
        if is_dated and afar and len(sketch.bound) < 2:
            sketch.cost("they have no date of their own", 0.26)

    def _is_in_force(self, span: DateSpan, moment: Moment) -> bool:
        """One day asked of rows that are valid from one date to another: those in force on it."""
        pair = validity(self.walk.root)
        if pair is None or span.start is None or span.start != span.end:
            return False
        first, last = (f"{self.walk.root.name}.{d.name}" for d in pair)
        if moment.member != first:
            return False
        day = (span.start.isoformat(),)
        ended = FilterGroup(
            conditions=(
                Filter(member=last, operator=FilterOperator.GTE, values=day),
                Filter(member=last, operator=FilterOperator.NOT_SET),
            ),
            is_any=True,
        )
        self._in_force = [Filter(member=first, operator=FilterOperator.LTE, values=day), ended]
        return True

    def _bounds(
        self, resolved: Sequence[tuple[DateSpan, Moment]], moment: Moment
    ) -> tuple[tuple[str, str] | None, list[Condition]]:
        """One closed period of the grouped column is its range; others are conditions."""
        if len(resolved) == 1 and resolved[0][1] == moment:
            span = resolved[0][0]
            if span.start is not None and span.end is not None:
                return (span.start.isoformat(), span.end.isoformat()), []
        filters = [_condition(span, at) for span, at in resolved]
        same = len({m.member for _, m in resolved}) == 1
        if len(filters) > 1 and same and all(s.start and s.end for s, _ in resolved):
            return None, [FilterGroup(conditions=tuple(filters), is_any=True)]
        return None, list(filters)

    def _resolved(self, span: DateSpan, moment: Moment) -> DateSpan:
        column = self.walk.options.model.find_dimension(moment.member)
        minimum, maximum = (column.minimum, column.maximum) if column is not None else ("", "")
        if not span.needs_year:
            if not overlaps(span, minimum, maximum):
                self.sketch.fail(
                    f"{NO_DATA} “{span.text}”: it covers {minimum[:10]} to {maximum[:10]}"
                )
            return span
        years = years_possible(span, minimum, maximum, self.today)
        if not years:
            self.sketch.fail(f"the data has no {span.text}")
            return span
        if len(years) > 1:
            self.sketch.cost("the year is not said", 0.3)
        self.sketch.assume(f"“{span.text}” is read as {span.text} {years[0]}.")
        return span.in_year(years[0])


def _condition(span: DateSpan, moment: Moment) -> Filter:
    if span.start is not None and span.end is not None:
        values = (span.start.isoformat(), span.end.isoformat())
        return Filter(
            member=moment.member,
            role=moment.role,
            operator=FilterOperator.IN_DATE_RANGE,
            values=values,
        )
    if span.end is None and span.start is not None:
        return Filter(
            member=moment.member, role=moment.role, operator=FilterOperator.GTE,
            values=(span.start.isoformat(),),
        )  # fmt: skip
    last = (span.end or date.min) + timedelta(days=1)
    return Filter(
        member=moment.member,
        role=moment.role,
        operator=FilterOperator.LT,
        values=(last.isoformat(),),
    )


def shown_figures(groups: Sequence[Group]) -> bool:
    return bool(groups)


def is_time(kind: DimensionType) -> bool:
    return kind is DimensionType.TIME


def sizes(walk: Completing) -> int:
    return len(concept_columns(walk.root, "money"))
