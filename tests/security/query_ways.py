"""The ways by which a text of SQL can come to the gate, each with the same answer: what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import AiserError
from aiser_app.services.grants import for_agent, query_source
from aiser_app.services.journals import RunJournal
from aiser_app.services.run_actors import actor_of
from aiser_app.services.step_lines import StepLines
from aiser_app.tools.builtin.query_data import QueryData
from aiser_app.tools.contract import ToolContext
from aiser_app.tools.registry import ToolRegistry
from tests.fixtures.organizations import add_run
from tests.fixtures.web import Person
from tests.security.query_ground import Ground
from tests.security.query_vectors import across


@dataclass(frozen=True)
class Outcome:
    """`code` of the error, or empty; `text` is everything that the person got to see."""

    code: str
    text: str
    rows: list[list[Any]]

    @property
    def is_refused(self) -> bool:
        """By the guard, or before it as no query at all."""
        return self.code in ("query_denied", "invalid_input", "tool_failed", "tool_retry")


Way = Callable[[Ground, Person, str, str], Outcome]
"""(ground, person, source, sql) → what came of it."""


def _of_run(view: dict[str, Any]) -> Outcome:
    error = view.get("error") or {}
    return Outcome(code=error.get("code", ""), text=json.dumps(view), rows=view.get("rows") or [])


def by_running(ground: Ground, person: Person, source: str, sql: str) -> Outcome:
    return _of_run(ground.finished(person, source, sql=sql, refresh=True))


def by_plan(ground: Ground, person: Person, source: str, sql: str) -> Outcome:
    return _of_run(ground.finished(person, source, sql=sql, explain="plan"))


def by_measured_plan(ground: Ground, person: Person, source: str, sql: str) -> Outcome:
    return _of_run(ground.finished(person, source, sql=sql, explain="actual"))


def across_sources(ground: Ground, person: Person, source: str, sql: str) -> Outcome:
    other = "Orders" if source != "Orders" else "Post"
    names = [source, other]
    view = ground.finished(person, names, sql=across(sql, source, other), refresh=True)
    return _of_run(view)


def by_checking(ground: Ground, person: Person, source: str, sql: str) -> Outcome:
    body = json.dumps({"source": source, "sql": sql})
    headers = {"Content-Type": "application/json"}
    reply = person.post("/queries/check", content=body, headers=headers)
    error = reply.json().get("error") or {}
    return Outcome(code=error.get("code", ""), text=reply.text, rows=[])


def tool_context(ground: Ground, source: str, role: Role = Role.ANALYST) -> ToolContext:
    """What the tools of a run on a source get, made as the worker makes it."""
    services = ground.services
    wanted = services.sources.get(ground.desk.actor, source)
    run = add_run(services.engine, ground.desk.tenant.actor(role), wanted)
    with UnitOfWork(services.engine) as uow:
        actor = actor_of(uow, run)
        model = uow.semantic_models.find_latest(run.organization_id, wanted.source_id)
        assert model is not None
        granted = for_agent(query_source(uow, actor, wanted, model), model)
    return ToolContext(
        run_id=run.run_id,
        actor=actor,
        granted=granted,
        dialect=services.data.engine(wanted.engine).dialect,
        model=model,
        queries=services.data.router(RunJournal(engine=services.engine, run=run)),
        results=services.data.store,
        cancel=CancelToken(),
        report=StepLines(RunEventLog(services.redis), run.run_id).report,
        row_limit=1_000,
        seconds_left=lambda: 10.0,
    )


def call_tool(context: ToolContext, **arguments: Any) -> Outcome:
    try:
        output = ToolRegistry([QueryData()]).call("query_data", arguments, context)
    except AiserError as error:
        return Outcome(code=error.code, text=f"{error.message} {error.hint or ''}", rows=[])
    told = output.for_model
    return Outcome(code="", text=json.dumps(told, default=str), rows=told["rows"])


_contexts: dict[tuple[int, str], ToolContext] = {}


def by_agent(ground: Ground, person: Person, source: str, sql: str) -> Outcome:
    key = (id(ground), source)
    if key not in _contexts:
        _contexts[key] = tool_context(ground, source, person.role)
    return call_tool(_contexts[key], sql=sql)


WAYS: dict[str, Way] = {
    "run": by_running,
    "check": by_checking,
    "agent": by_agent,
    "plan": by_plan,
    "measured plan": by_measured_plan,
    "across sources": across_sources,
}
THOROUGH = ("check", "agent")
"""Ways that every vector takes; the others end at the same gate and get a choice of them."""
