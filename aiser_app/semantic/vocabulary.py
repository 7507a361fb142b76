"""What the names of a query mean: members of the model, and the query's own fields and metrics."""

from __future__ import annotations

from collections.abc import Iterator

from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Measure,
    Segment,
    SemanticModel,
)
from aiser_app.domain.semantic_query import (
    Arithmetic,
    ColumnTerm,
    Condition,
    Constant,
    Existence,
    Expression,
    Field,
    Filter,
    FilterGroup,
    Flag,
    MeasureTerm,
    Metric,
    Operator,
    RowExpression,
    SemanticQuery,
)
from aiser_app.errors import QueryInvalid

MAX_FIELD_STEPS = 8
"""Fields that are made of fields that are made of …; more is a circle."""


class Vocabulary:
    """Raises QueryInvalid for names that mean nothing, or two things."""

    def __init__(self, query: SemanticQuery, model: SemanticModel) -> None:
        self.model = model
        self._fields: dict[str, Field] = {}
        self._metrics: dict[str, Metric] = {}
        for field in query.fields:
            self._check_own(field.name)
            self._fields[field.name] = field
        for metric in query.metrics:
            self._check_own(metric.name)
            self._metrics[metric.name] = metric

    def _check_own(self, name: str) -> None:
        if not name.strip() or "." in name:
            raise QueryInvalid("Fields and metrics of a query have a name without a dot.")
        if name in self._fields or name in self._metrics:
            raise QueryInvalid(f"Two fields or metrics are called “{name[:80]}”.")

    def find_field(self, name: str) -> Field | None:
        return self._fields.get(name)

    def find_metric(self, name: str) -> Metric | None:
        return self._metrics.get(name)

    def cube(self, name: str) -> Cube:
        found = self.model.find_cube(name)
        if found is None:
            known = ", ".join(item.name for item in self.model.cubes if not item.is_hidden)
            raise QueryInvalid(f"There is no “{name[:80]}”.", hint=f"There is: {known[:400]}.")
        return found

    def dimension(self, name: str) -> tuple[Cube, Dimension]:
        cube, found = self._cube_of(name), self.model.find_dimension(name)
        if found is None:
            raise _unknown(name, cube)
        return cube, found

    def measure(self, name: str) -> tuple[Cube, Measure]:
        cube, found = self._cube_of(name), self.model.find_measure(name)
        if found is None:
            raise _unknown(name, cube)
        return cube, found

    def segment(self, name: str) -> tuple[Cube, Segment]:
        cube = self._cube_of(name)
        found = cube.find_segment(name.partition(".")[2])
        if found is None:
            known = ", ".join(item.name for item in cube.segments) or "none"
            raise QueryInvalid(
                f"{cube.title} has no segment “{name.partition('.')[2][:80]}”.",
                hint=f"It has: {known[:400]}.",
            )
        return cube, found

    def _cube_of(self, name: str) -> Cube:
        own = name.partition(".")[0]
        if "." not in name and (self._fields or self._metrics):
            known = ", ".join((*self._fields, *self._metrics))
            raise QueryInvalid(
                f"There is no field or metric “{name[:80]}”.", hint=f"The query has: {known[:400]}."
            )
        return self.cube(own)

    def is_of_groups(self, name: str) -> bool:
        """Whether a filter on it is about groups: a measure or a metric."""
        if name in self._metrics:
            return True
        if name in self._fields or self.model.find_dimension(name) is not None:
            return False
        self.measure(name)
        return True

    def expression(self, name: str) -> Expression:
        """A measure or metric as what computes the value that is shown."""
        metric = self._metrics.get(name)
        if metric is None:
            self.measure(name)
            return MeasureTerm(measure=name)
        if not metric.is_percentage:
            return metric.expression
        hundred = Constant(constant="100")
        return Arithmetic(operator=Operator.MULTIPLY, left=metric.expression, right=hundred)

    def kind(self, name: str) -> DimensionType:
        """Of a dimension or field."""
        if "." in name:
            return self.dimension(name)[1].type
        return self.row_kind(self.field(name).row)

    def field(self, name: str) -> Field:
        found = self._fields.get(name)
        if found is None:
            self._cube_of(name)
            raise QueryInvalid(f"There is no field “{name[:80]}”.")
        return found

    def row_kind(self, row: RowExpression, steps: int = 0) -> DimensionType:
        if isinstance(row, Flag):
            return DimensionType.BOOLEAN
        if not isinstance(row, ColumnTerm):
            return DimensionType.NUMBER
        if "." in row.member:
            return self.dimension(row.member)[1].type
        if steps >= MAX_FIELD_STEPS:
            raise QueryInvalid("A field is made of itself.")
        return self.row_kind(self.field(row.member).row, steps + 1)

    def columns(self, row: RowExpression, steps: int = 0) -> Iterator[ColumnTerm]:
        """The dimensions that a row expression reads, also through fields."""
        if steps >= MAX_FIELD_STEPS:
            raise QueryInvalid("A field is made of itself.")
        if isinstance(row, ColumnTerm):
            if "." in row.member:
                yield row
            else:
                yield from self.columns(self.field(row.member).row, steps + 1)
        elif isinstance(row, Flag):
            yield from self.filtered_columns(row.condition)
        else:
            for name in ("row_left", "row_right", "start", "end", "bucket_of"):
                inner = getattr(row, name, None)
                if inner is not None:
                    yield from self.columns(inner, steps)

    def filtered_columns(self, condition: Condition) -> Iterator[ColumnTerm]:
        """The dimensions that a condition on rows reads, without those of existences."""
        if isinstance(condition, FilterGroup):
            for item in condition.conditions:
                yield from self.filtered_columns(item)
        elif isinstance(condition, Filter):
            yield from self.columns(ColumnTerm(member=condition.member, role=condition.role))
            if condition.other:
                yield from self.columns(
                    ColumnTerm(member=condition.other, role=condition.other_role)
                )

    def is_on_groups(self, condition: Condition) -> bool:
        """Whether a condition is about groups (HAVING).

        Raises:
            QueryInvalid: it mixes rows and groups.
        """
        if isinstance(condition, Existence):
            return False
        if isinstance(condition, Filter):
            found = {self.is_of_groups(condition.member)}
            if condition.other:
                found.add(self.is_of_groups(condition.other))
        else:
            if not condition.conditions:
                raise QueryInvalid("A group of conditions has no condition.")
            found = {self.is_on_groups(item) for item in condition.conditions}
        if len(found) > 1:
            raise QueryInvalid(
                "A condition is about rows or about groups, not about both.",
                hint="Filter by the figure and by the column on their own.",
            )
        return found.pop()


COUNTS = (Aggregation.COUNT, Aggregation.COUNT_DISTINCT)


def _unknown(name: str, cube: Cube) -> QueryInvalid:
    members = [item.name for item in cube.dimensions if not item.is_hidden]
    members += [item.name for item in cube.measures if not item.is_hidden]
    return QueryInvalid(
        f"{cube.title} has no “{name.partition('.')[2][:80]}”.",
        hint=f"It has: {', '.join(members)[:400]}.",
    )
