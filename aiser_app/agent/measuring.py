"""Measures on a result what the confidence of its answer is made of."""

from __future__ import annotations

from aiser_app.charts.option import number
from aiser_app.domain.semantic_model import Measure, SemanticModel
from aiser_app.reasoning.confidence import Measured, lead_of
from aiser_app.reasoning.deductive import used_joins
from aiser_app.tools.builtin.generate_chart import chart_data
from aiser_app.tools.contract import QueryFinding, ToolContext


def measure(finding: QueryFinding, tools: ToolContext, joins_are_weighed: bool) -> Measured:
    """Facts about the rows; joins only when the reading did not weigh them itself."""
    result = finding.result
    data = chart_data(finding, tools)
    joins = used_joins(finding.semantic_query, result.tables, tools.model)
    groups = [*data.times, *data.categories]
    rows = list(zip(*(data.values(name) for name in groups), strict=True)) if groups else []
    lead = None
    if data.is_ranked and data.measures:
        lead = lead_of([number(value) for value in data.values(data.measures[0])[:2]])
    return Measured(
        row_count=result.row_count,
        truncated=result.truncated,
        value_share=_value_share(finding, tools.model),
        distinct_groups=len({str(row) for row in rows}) == len(rows) if data.measures else True,
        lead=lead,
        join_score=(
            None if joins_are_weighed or not joins else min(used.join.score for used in joins)
        ),
    )


def _value_share(finding: QueryFinding, model: SemanticModel) -> float | None:
    """The lowest share of rows with a value among the measures: in their column, and in the result."""
    shares: list[float] = []
    for column, member in zip(finding.result.columns, finding.members, strict=False):
        found = model.find_measure(member)
        if found is None:
            continue
        stored = _column_share(member, found, model)
        if stored is not None:
            shares.append(stored)
        if finding.result.row_count:
            shares.append(1 - finding.null_counts.get(column.name, 0) / finding.result.row_count)
    return min(shares, default=None)


def _column_share(member: str, found: Measure, model: SemanticModel) -> float | None:
    cube = model.find_cube(member.partition(".")[0])
    if cube is None or not found.column:
        return None
    dimension = next((d for d in cube.dimensions if d.column == found.column), None)
    return None if dimension is None else 1 - dimension.null_fraction
