"""Draws a result: the model may wish for a kind, our code decides what fits and builds the option."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from aiser_app.charts.choose import MAX_SERIES, choose, fits
from aiser_app.charts.data import MAX_POINTS, ChartData, guess_roles
from aiser_app.charts.option import build_option
from aiser_app.domain.chart import Chart, ChartKind, ChartSpec
from aiser_app.domain.permission import Permission
from aiser_app.errors import NotFound
from aiser_app.tools.contract import (
    Arguments,
    QueryFinding,
    ToolContext,
    ToolFailed,
    ToolOutput,
    ToolRetry,
)


class GenerateChartArguments(Arguments):
    result_id: str = Field(min_length=1, max_length=64)
    kind: ChartKind | None = Field(default=None, description="Leave empty to let the data decide.")
    x: str | None = Field(default=None, description="Column of the axis.")
    y: str | list[str] | None = Field(default=None, description="Column or columns of the values.")
    series: str | None = Field(default=None, description="Column that splits into series.")
    title: str | None = Field(default=None, max_length=200)


class GenerateChart:
    name = "generate_chart"
    description = "Draw a result of query_data. The chart goes to the person, not back to you."
    permission = Permission.QUESTIONS_ASK
    arguments = GenerateChartArguments
    ends_run = False

    def call(self, arguments: GenerateChartArguments, context: ToolContext) -> ToolOutput:
        finding = context.findings.find_query(arguments.result_id)
        if finding is None:
            known = ", ".join(q.result.result_id for q in context.findings.queries) or "none yet"
            raise ToolRetry(f"No result of this run has that id. Results: {known}.")
        with context.findings.timed("chart"):
            data = chart_data(finding, context)
            spec = _wished(choose(data, title=arguments.title or ""), arguments, data)
            option, notes = build_option(spec, data)
        chart = Chart(spec=spec, option=option)
        context.findings.charts.append((arguments.result_id, chart))
        context.findings.notes.extend(notes)
        if spec.kind not in (ChartKind.NUMBER, ChartKind.TABLE):
            context.report(
                f"chart-{len(context.findings.charts)}",
                "Drew the chart",
                f"{spec.kind.value} of {len(data.rows):,} rows",
                duration_ms=context.findings.timings["chart"],
            )
        return ToolOutput(
            for_model={
                "chart": {"kind": spec.kind.value},
                "result_id": arguments.result_id,
                "notes": list(notes),
            },
            for_user=chart,
        )


def chart_data(finding: QueryFinding, context: ToolContext) -> ChartData:
    """The first rows of a result, with the roles of its columns."""
    result = finding.result
    try:
        rows = context.results.page(result, offset=0, limit=MAX_POINTS).rows
    except NotFound as error:
        raise ToolFailed("The rows of this result are gone.") from error
    facts: dict[str, Any] = {
        "columns": result.columns,
        "rows": rows,
        "row_count": result.row_count,
    }
    query = finding.semantic_query
    if query is None or len(finding.members) != len(result.columns):
        times, categories, measures = guess_roles(result.columns)
        return ChartData(**facts, times=times, categories=categories, measures=measures)
    grained = {t.dimension: t.granularity for t in query.time_dimensions if t.granularity}
    named = list(zip(result.columns, finding.members, strict=True))
    times = tuple(c.name for c, m in named if m in grained and c.type in ("date", "timestamp"))
    measures = tuple(c.name for c, m in named if m in query.measures)
    first = next((g for g in grained.values() if g), None)
    return ChartData(
        **facts,
        times=times,
        measures=measures,
        categories=tuple(c.name for c, _ in named if c.name not in times + measures),
        granularity=first.value if first else "",
        is_ranked=bool(query.order) and query.order[0].member in query.measures,
    )


def _wished(spec: ChartSpec, arguments: GenerateChartArguments, data: ChartData) -> ChartSpec:
    """`spec` with what the arguments ask for, as far as the data allows it.

    Raises:
        ToolRetry: a column that the result does not have.
    """
    ys = [arguments.y] if isinstance(arguments.y, str) else list(arguments.y or ())
    names = {column.name for column in data.columns}
    unknown = [n for n in (arguments.x, *ys, arguments.series) if n and n not in names]
    if unknown:
        raise ToolRetry(
            f"The result has no column {', '.join(unknown)}. Columns: {', '.join(sorted(names))}."
        )
    if arguments.series and data.distinct(arguments.series) > MAX_SERIES:
        return spec
    if arguments.kind is not None and fits(arguments.kind, data):
        spec = replace(spec, kind=arguments.kind)
        if spec.kind not in (ChartKind.TABLE, ChartKind.NUMBER):
            axis = (data.times + data.categories)[0]
            spec = replace(spec, x=spec.x or axis, y=spec.y or data.measures[:1])
    if arguments.x:
        spec = replace(spec, x=arguments.x)
    if ys:
        spec = replace(spec, y=tuple(ys), unit=data.column(ys[0]).unit)
    if arguments.series:
        spec = replace(spec, series=arguments.series, y=spec.y[:1])
    return spec
