"""Loads a conversation for the page: one trip to the services, in one thread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Actor
from aiser_app.domain.conversation import Turn
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.result import Result
from aiser_app.domain.run import RunStatus
from aiser_app.errors import NotFound
from aiser_app.ui.chat import wording
from aiser_app.ui.chat.view import TurnView, view_turn

SUGGESTIONS = 6
FINAL = frozenset(status.value for status in RunStatus if status.is_final)


@dataclass(kw_only=True)
class SuggestionView:
    """`shape` is the form that the answer will most likely take: series, ranking or number."""

    question: str
    shape: str


@dataclass(kw_only=True)
class SourceView:
    """Facts about the source that a new chat asks."""

    source_id: str = ""
    name: str = ""
    description: str = ""
    facts: str = ""
    synced_at: str = ""
    is_ready: bool = False


@dataclass(kw_only=True)
class Thread:
    """A conversation as shown. `settled` are the turns before the first one that still runs."""

    title: str
    source: SourceView
    settled: list[TurnView] = field(default_factory=list)
    live: list[TurnView] = field(default_factory=list)


def load_thread(
    services: Services, actor: Actor, conversation_id: str, known: Mapping[str, TurnView]
) -> Thread:
    """Read a conversation; views of finished runs that are `known` by run id are used again.

    Raises:
        NotFound: there is no such conversation, or it is somebody else's.
    """
    conversation = services.conversations.get(actor, conversation_id)
    turns = services.conversations.turns(actor, conversation_id)
    views = [known.get(turn.run.run_id) or _view(services, actor, turn) for turn in turns]
    thumbs = services.feedback.thumbs(actor, [view.run_id for view in views])
    for view in views:
        view.thumb = thumbs[view.run_id].value if view.run_id in thumbs else ""
    split = next((i for i, view in enumerate(views) if view.status not in FINAL), len(views))
    source = _source(services, actor, conversation.source_id)
    return Thread(
        title=conversation.title, source=source, settled=views[:split], live=views[split:]
    )


def load_start(services: Services, actor: Actor) -> tuple[SourceView, list[SuggestionView]]:
    """Read what a new chat shows: the default source and questions that it can answer."""
    source = services.sources.default(actor)
    if source is None:
        return SourceView(), []
    suggested = services.suggestions.questions(actor, source.source_id)
    return view_source(source), [
        SuggestionView(question=question, shape=_shape_of(question))
        for question in suggested[:SUGGESTIONS]
    ]


def _shape_of(question: str) -> str:
    words = question.lower()
    if re.search(r"\b(by|per|over|each) (hour|day|week|month|quarter|year|time)\b", words):
        return "series"
    return "ranking" if re.search(r"\b(which|top|most|by|per|worst|best)\b", words) else "number"


def view_source(source: DataSource) -> SourceView:
    tables = "1 table" if source.table_count == 1 else f"{source.table_count} tables"
    return SourceView(
        source_id=source.source_id,
        name=source.name,
        description=source.description,
        facts=f"{tables}, {wording.grouped(source.row_count)} rows.",
        synced_at=source.synced_at.isoformat() if source.synced_at else "",
        is_ready=source.status.value == "ready",
    )


def _source(services: Services, actor: Actor, source_id: str) -> SourceView:
    try:
        return view_source(services.sources.get(actor, source_id))
    except NotFound:
        return SourceView(source_id=source_id, name="a removed source")


def _view(services: Services, actor: Actor, turn: Turn) -> TurnView:
    return view_turn(turn, _first_result(services, actor, turn))


def _first_result(services: Services, actor: Actor, turn: Turn) -> Result | None:
    answer = turn.run.answer
    if answer is None or not answer.result_ids:
        return None
    try:
        return services.results.get(actor, answer.result_ids[0])
    except NotFound:
        return None
