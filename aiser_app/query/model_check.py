"""Whether the SQL in semantic models could run, asked when a model is written.

The same guard judges every query again when it runs; what is said here comes earlier, and is about
one place of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from aiser_app.domain.actor import Claims
from aiser_app.domain.policy import GrantedTable
from aiser_app.domain.verdict import Denied
from aiser_app.query.guard import condition_problem, judge


@dataclass(frozen=True, slots=True)
class SelectVerdict:
    """What a SELECT reads and gives."""

    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """Names of its columns; empty when they cannot be told from the text."""
    problem: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ModelSql:
    """Judges SQL of one source's models."""

    dialect: str
    tables: Mapping[str, GrantedTable]

    def expression_problem(self, sql: str, table: str, columns: Sequence[str]) -> str:
        """Of an expression over the columns of one table; empty when it may be used."""
        granted = GrantedTable(name=table, columns=tuple(columns))
        return condition_problem(sql, dialect=self.dialect, table=granted) or ""

    def quoted(self, name: str) -> str:
        return exp.to_identifier(name, quoted=True).sql(dialect=self.dialect)

    def select(self, sql: str) -> SelectVerdict:
        """Of the SELECT that a cube may be made of."""
        claims = Claims(organization_id="")
        verdict = judge(sql, dialect=self.dialect, tables=self.tables, claims=claims, limit=None)
        if isinstance(verdict, Denied):
            return SelectVerdict(problem=verdict.reason, line=verdict.line)
        return SelectVerdict(tables=verdict.tables, columns=self._columns(sql))

    def _columns(self, sql: str) -> tuple[str, ...]:
        try:
            tree = parse_one(sql, read=self.dialect)
        except SqlglotError:
            return ()
        if not isinstance(tree, exp.Query) or tree.is_star:
            return ()
        return tuple(tree.named_selects)
