"""Puts the answer together from what the model said and what the tools found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiser_app.agent.context import AgentContext
from aiser_app.agent.measuring import measure
from aiser_app.domain.answer import Answer, Chip, Clarification, ConfidencePart, ReasoningStep
from aiser_app.domain.encoding import decode
from aiser_app.domain.run import RunFailure, RunStatus
from aiser_app.domain.verified_query import VerifiedMark
from aiser_app.errors import InvalidInput
from aiser_app.reasoning.analogical import verified_step
from aiser_app.reasoning.confidence import ANSWER_FROM, combine
from aiser_app.reasoning.deductive import (
    guard_step,
    join_step,
    reading_step,
    result_step,
    used_joins,
)
from aiser_app.tools.builtin.ask_user import MAX_OPTIONS
from aiser_app.tools.contract import Findings, QueryFinding, ToolContext


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How the agent's work ended."""

    status: RunStatus
    answer: Answer | None = None
    failure: RunFailure | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Extras:
    """What a chat model may say beside its text; the planner says all of it."""

    headline: str = ""
    title: str = ""
    chips: tuple[Chip, ...] = ()
    follow_ups: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    parts: tuple[ConfidencePart, ...] = ()
    score: float | None = None
    bound: tuple[dict[str, Any], ...] = ()
    unbound: tuple[str, ...] = ()
    failed: dict[str, Any] | None = None
    verified: VerifiedMark | None = None


def read_extras(said: object) -> Extras:
    """`additional_kwargs["aiser"]` of a message; nothing when it does not have that shape."""
    if not isinstance(said, Mapping):
        return Extras()
    try:
        return decode(Extras, dict(said))
    except InvalidInput:
        return Extras()


def assemble(
    context: AgentContext, tools: ToolContext, text: str, extras: Extras, usage: dict[str, Any]
) -> Outcome:
    """The outcome of a loop that came to its end."""
    findings = tools.findings
    if extras.failed is not None:
        code, message = extras.failed.get("code"), extras.failed.get("message")
        failure = RunFailure(code=str(code or "tool_failed"), message=str(message or text))
        return Outcome(status=RunStatus.FAILED, failure=failure)
    if findings.clarification is not None:
        return _asking(findings.clarification, context, extras, usage)
    if not findings.queries:
        # Without rows there is nothing that the text could rest on.
        question = text or "I could not find data for this question."
        return _asking(Clarification(question=question), context, extras, usage)
    return _answering(context, tools, text, extras, usage)


def _asking(
    clarification: Clarification, context: AgentContext, extras: Extras, usage: dict[str, Any]
) -> Outcome:
    step = reading_step(extras.chips, extras.bound, context.model)
    if context.offers:
        options = tuple(dict.fromkeys((*context.offers, *clarification.options)))
        clarification = replace(clarification, options=options[:MAX_OPTIONS])
    answer = Answer(
        text=clarification.question,
        clarification=clarification,
        chips=extras.chips,
        steps=(step,) if step else (),
        usage=usage,
    )
    return Outcome(status=RunStatus.NEEDS_INPUT, answer=answer)


def _answering(
    context: AgentContext, tools: ToolContext, text: str, extras: Extras, usage: dict[str, Any]
) -> Outcome:
    findings = tools.findings
    last = findings.queries[-1]
    confidence = combine(extras.parts, measure(last, tools, bool(extras.parts)), score=extras.score)
    if confidence.score < ANSWER_FROM:
        weakest = min(confidence.parts, key=lambda part: part.score)
        question = (
            "I am not sure enough of my reading to answer: "
            f"{weakest.name.lower()} {weakest.measured}. How do you mean it?"
        )
        doubt = Clarification(question=question, options=extras.follow_ups)
        return _asking(doubt, context, extras, usage)
    answer = Answer(
        text=text,
        headline=extras.headline,
        result_ids=_result_ids(findings),
        chart=next((c for r, c in reversed(findings.charts) if r == last.result.result_id), None),
        semantic_query=last.semantic_query,
        chips=extras.chips,
        steps=_steps(last, context, extras),
        evidence=_evidence(last),
        caveats=_caveats(last, findings, extras),
        confidence=confidence,
        follow_ups=tuple(dict.fromkeys((*context.offers, *extras.follow_ups))),
        usage=usage,
        verified=extras.verified,
    )
    return Outcome(status=RunStatus.ANSWERED, answer=answer)


def _result_ids(findings: Findings) -> tuple[str, ...]:
    """The result that the answer shows comes first."""
    return tuple(query.result.result_id for query in reversed(findings.queries))


def _steps(
    finding: QueryFinding, context: AgentContext, extras: Extras
) -> tuple[ReasoningStep, ...]:
    read = reading_step(extras.chips, extras.bound, context.model)
    joins = used_joins(finding.semantic_query, finding.result.tables, context.model)
    checked = verified_step(extras.verified) if extras.verified else None
    return (
        *((checked,) if checked else ()),
        *((read,) if read else ()),
        *(join_step(used) for used in joins),
        guard_step(finding.result),
        result_step(finding.result),
    )


def _evidence(finding: QueryFinding) -> tuple[str, ...]:
    result = finding.result
    read = "" if result.rows_read is None else f"{result.rows_read:,} rows read; "
    return (
        f"tables {', '.join(result.tables)}",
        f"{read}{result.row_count:,} rows returned",
        f"data as of {result.as_of:%Y-%m-%d %H:%M} UTC",
    )


def _caveats(finding: QueryFinding, findings: Findings, extras: Extras) -> tuple[str, ...]:
    said = [*extras.caveats, *extras.assumptions, *finding.notes, *findings.notes]
    if finding.result.truncated and not any(f"{finding.result.limit:,}" in item for item in said):
        said.append(
            f"Only the first {finding.result.limit:,} rows are kept; there are more in the source."
        )
    return tuple(dict.fromkeys(said))
