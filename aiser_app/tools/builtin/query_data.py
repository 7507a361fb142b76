"""Reads rows: a semantic query compiled to SQL, or SQL as it is. Both pass the one gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from pydantic import Field, model_validator

from aiser_app.domain.permission import Permission
from aiser_app.domain.result import Column, Result
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.errors import (
    EngineUnavailable,
    InvalidInput,
    NotFound,
    QueryDenied,
    QueryInvalid,
    QueryTimedOut,
    RunDeadlineExceeded,
)
from aiser_app.query.cube import ROUTE as CUBE_ROUTE
from aiser_app.query.cube import check_computable
from aiser_app.query.request import QueryRequest, SemanticAsk
from aiser_app.semantic.compiler import CompiledQuery, compile_query
from aiser_app.tools.contract import (
    Arguments,
    QueryFinding,
    ToolContext,
    ToolFailed,
    ToolOutput,
    ToolRetry,
)

PREVIEW_ROWS = 100
"""Rows that a model gets to see; the rest stay in the result store."""
CELL_CHARS = 1_000
PREVIEW_CHARS = 200_000
"""Of one value, and of all rows together, that a model gets to see: prompts are not endless."""
_NO_TIME_SECONDS = 1.0
"""A query that was stopped with less than this left was stopped by the run's deadline."""


class QueryDataArguments(Arguments):
    semantic_query: SemanticQuery | None = Field(
        default=None, description="Preferred: measures, dimensions, filters, order and limit."
    )
    sql: str | None = Field(
        default=None,
        min_length=1,
        max_length=100_000,
        description="One SELECT in the source's dialect, when a semantic query cannot say it.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> QueryDataArguments:
        if (self.semantic_query is None) == (self.sql is None):
            raise ValueError("give either semantic_query or sql")
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class _Statement:
    sql: str
    columns: tuple[Column, ...] = ()
    members: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    semantic: SemanticAsk | None = None


class QueryData:
    name = "query_data"
    description = (
        "Read rows of the data source, read-only. Returns a result id, the columns and the first "
        f"{PREVIEW_ROWS} rows. Never state totals over a truncated result."
    )
    permission = Permission.QUESTIONS_ASK
    arguments = QueryDataArguments
    ends_run = False

    def call(self, arguments: QueryDataArguments, context: ToolContext) -> ToolOutput:
        key = f"query-{len(context.findings.queries) + 1}"
        statement = self._statement(arguments, context, key)
        finding = self._run(statement, arguments.semantic_query, context, key)
        context.findings.queries.append(finding)
        return ToolOutput(for_model=_for_model(finding, context), for_user=finding.result)

    @staticmethod
    def _statement(arguments: QueryDataArguments, context: ToolContext, key: str) -> _Statement:
        if arguments.semantic_query is None:
            return _Statement(sql=arguments.sql or "")
        started = perf_counter()
        asked = SemanticAsk(query=arguments.semantic_query, model=context.model)
        try:
            with context.findings.timed("compile"):
                check_computable(arguments.semantic_query, context.model)
                compiled = compile_query(
                    arguments.semantic_query,
                    context.model,
                    dialect=context.dialect,
                    default_limit=context.row_limit,
                )
        except (QueryInvalid, InvalidInput) as error:
            if context.source.cube_url:
                detail = f"{error.message} Cube is asked."
                context.report(f"{key}-compile", "Left the query to Cube", detail)
                return _Statement(sql="", semantic=replace(asked, refusal=error))
            context.report(
                f"{key}-compile", "Could not write the query", error.message, state="fail"
            )
            raise ToolRetry(error.message, hint=error.hint) from error
        context.report(
            f"{key}-compile",
            "Wrote the query",
            _tables(compiled),
            duration_ms=(perf_counter() - started) * 1000,
        )
        return _Statement(
            sql=compiled.sql,
            columns=compiled.columns,
            members=compiled.members,
            notes=compiled.notes,
            semantic=replace(asked, members=compiled.members),
        )

    @staticmethod
    def _run(
        statement: _Statement, query: SemanticQuery | None, context: ToolContext, key: str
    ) -> QueryFinding:
        title = "Running the query"
        context.report(key, title, f"on {context.source.name}", state="run")
        started = perf_counter()
        try:
            result = context.queries.run(
                QueryRequest(
                    actor=context.actor,
                    sources=(context.granted,),
                    sql=statement.sql,
                    limit=context.row_limit,
                    timeout_seconds=max(0.1, context.seconds_left()),
                    purpose="agent",
                    run_id=context.run_id,
                    columns=statement.columns,
                    semantic=statement.semantic,
                ),
                context.cancel,
            )
        except QueryInvalid as error:
            context.report(key, "The query could not run", error.message, state="fail")
            raise ToolRetry(
                f"Correct the query and call `query_data` again: {error.message}", hint=error.hint
            ) from error
        except QueryDenied as error:
            context.report(key, "The query was refused", error.message, state="fail")
            raise ToolFailed(error.message, hint=error.hint) from error
        except QueryTimedOut as error:
            context.report(key, "The query took too long", error.message, state="fail")
            if context.seconds_left() < _NO_TIME_SECONDS:
                raise RunDeadlineExceeded("The time for this question is used up.") from error
            raise ToolFailed(error.message, hint=error.hint) from error
        except EngineUnavailable:
            context.report(key, f"{context.source.name} does not answer", state="fail")
            raise
        _tell_result(result, context, key, (perf_counter() - started) * 1000)
        return QueryFinding(
            result=result,
            members=statement.members,
            notes=(*statement.notes, *result.notes),
            semantic_query=query,
            null_counts=_null_counts(result, context),
        )


def _tell_result(result: Result, context: ToolContext, key: str, took: float) -> None:
    """Times in milliseconds, and the steps that a reader sees; with a Cube, whether it answered."""
    engine_ms = 0.0 if result.from_cache else result.duration_ms
    context.findings.add_timing("engine_and_store", engine_ms)
    context.findings.add_timing("guard_and_record", max(0.0, took - engine_ms))
    title = "Found the result" if result.from_cache else "Ran the query"
    shown_ms = took if result.from_cache else engine_ms
    context.report(key, title, _facts(result), duration_ms=shown_ms)
    if context.source.cube_url:
        told = "Answered by Cube" if result.route == CUBE_ROUTE else "Did without Cube"
        context.report(f"{key}-route", told, result.why)


def _for_model(finding: QueryFinding, context: ToolContext) -> dict[str, Any]:
    result = finding.result
    try:
        rows = context.results.page(result, offset=0, limit=PREVIEW_ROWS).rows
    except NotFound as error:
        raise ToolFailed("The rows are gone.") from error
    return {
        "result_id": result.result_id,
        "columns": [
            {"name": c.name, "type": c.type, "title": c.title, "unit": c.unit}
            for c in result.columns
        ],
        "rows": _shown(rows),
        "row_count": result.row_count,
        "truncated": result.truncated,
        "limit": result.limit,
        "duration_ms": result.duration_ms,
        "rows_read": result.rows_read,
        "null_counts": finding.null_counts,
        "notes": list(finding.notes),
    }


def _shown(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The first rows, long values shortened; at least one row."""
    shown: list[list[Any]] = []
    size = 0
    for row in rows:
        cells = [_shortened(cell) for cell in row]
        size += sum(len(str(cell)) for cell in cells)
        if shown and size > PREVIEW_CHARS:
            break
        shown.append(cells)
    return shown


def _shortened(cell: Any) -> Any:
    text = cell if isinstance(cell, str) else str(cell) if isinstance(cell, list | dict) else ""
    if len(text) <= CELL_CHARS:
        return cell
    return f"{text[:CELL_CHARS]}… ({len(text):,} characters)"


def _null_counts(result: Result, context: ToolContext) -> dict[str, int]:
    table = context.results.read_arrow(result)
    counts = zip(table.column_names, table.columns, strict=True)
    return {str(name): column.null_count for name, column in counts if column.null_count}


def _tables(compiled: CompiledQuery) -> str:
    word = "table" if len(compiled.tables) == 1 else "tables"
    return f"{word} {', '.join(compiled.tables)}; read-only, checked before it runs"


def _facts(result: Result) -> str:
    read = "" if result.rows_read is None else f", {result.rows_read:,} rows read"
    rows = "1 row" if result.row_count == 1 else f"{result.row_count:,} rows"
    cut = ", cut off at the limit" if result.truncated else ""
    if result.from_cache:
        return f"from the cache, as of {result.as_of:%Y-%m-%d %H:%M} UTC, {rows} returned{cut}"
    where = " ".join(dict.fromkeys((result.route, result.engine)))
    return f"{where}{read}, {rows} returned{cut}"
