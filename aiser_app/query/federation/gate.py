"""Every text of a query over several sources passes the guard: each part its source's, the whole its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from aiser_app.domain.actor import Claims
from aiser_app.domain.policy import GrantedTable
from aiser_app.domain.verdict import Allowed, Denied
from aiser_app.errors import QueryDenied
from aiser_app.query.federation.constants import Parameters
from aiser_app.query.federation.plan import FederatedPlan, FederatedSource, Part
from aiser_app.query.federation.splitting import DIALECT, split
from aiser_app.query.guard import judge

_HINT = "Write one SELECT over tables written as source.table."


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedPart:
    """A part with the verdict on it, and what is needed to judge a narrower form of it."""

    part: Part
    allowed: Allowed
    claims: Claims
    parameters: Parameters
    max_rows: int

    def judged(self, condition: exp.Expr | None) -> Allowed:
        """The verdict on the part under another condition.

        Raises:
            QueryDenied: the guard of its source refuses it.
        """
        return _judge_part(self.part, condition, self.claims, self.parameters, self.max_rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedFederation:
    """May run: the parts in their sources, then `final` over what they bring."""

    plan: FederatedPlan
    parts: tuple[JudgedPart, ...]
    final: Allowed

    @property
    def policies(self) -> tuple[str, ...]:
        """Names of all policies that were injected."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.allowed.policies))


def judge_federation(
    sql: str,
    sources: Sequence[FederatedSource],
    *,
    claims: Claims,
    parameters: Parameters,
    limit: int,
    max_rows: int,
) -> JudgedFederation:
    """Take a query apart and judge everything that would run.

    The query over the parts is judged first: what it may not contain is refused before anything
    is concluded from it. It needs no policies, for they are in the parts already.

    Raises:
        QueryDenied: with the reason in words.
    """
    plan = split(sql, sources, parameters=parameters, limit=limit)
    final = _allowed(
        judge(
            plan.final_sql,
            dialect=DIALECT,
            tables={part.name: GrantedTable(name=part.name) for part in plan.parts},
            claims=claims,
            limit=limit,
            parameters=parameters,
        )
    )
    parts = tuple(
        JudgedPart(
            part=part,
            allowed=_judge_part(part, part.condition, claims, parameters, max_rows),
            claims=claims,
            parameters=parameters,
            max_rows=max_rows,
        )
        for part in plan.parts
    )
    return JudgedFederation(plan=plan, parts=parts, final=final)


def _judge_part(
    part: Part, condition: exp.Expr | None, claims: Claims, parameters: Parameters, max_rows: int
) -> Allowed:
    used = {p.name for p in condition.find_all(exp.Placeholder)} if condition is not None else set()
    verdict = judge(
        part.written(condition),
        dialect=part.source.engine.dialect,
        tables=part.source.tables,
        claims=claims,
        limit=max_rows,
        policies=part.source.policies,
        parameters={name: value for name, value in parameters.items() if name in used},
    )
    return _allowed(verdict, part.address)


def _allowed(verdict: Allowed | Denied, address: str = "") -> Allowed:
    if isinstance(verdict, Denied):
        if address:
            raise QueryDenied(f"{address} may not be read: {verdict.reason}", hint=_HINT)
        raise QueryDenied(verdict.reason, hint=_HINT).at(verdict.line, verdict.column)
    return verdict
