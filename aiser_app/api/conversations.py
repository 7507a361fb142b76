"""Conversations of the person who asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.schemas import (
    ConversationDetail,
    ConversationList,
    ConversationView,
    RenameBody,
    TurnView,
)
from aiser_app.domain.conversation import Turn

router = APIRouter(prefix="/conversations", tags=["conversations"])


@router.get("")
def list_conversations(
    actor: CurrentActor,
    given: GivenServices,
    search: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> ConversationList:
    """Latest first; `search` is a piece of the title."""
    found = given.conversations.list(actor, search, limit)
    return ConversationList(conversations=[ConversationView.model_validate(one) for one in found])


@router.get("/{conversation_id}")
def get_conversation(
    conversation_id: str, actor: CurrentActor, given: GivenServices
) -> ConversationDetail:
    """With its turns; the full answer of each is at /runs/{run_id}."""
    conversation = given.conversations.get(actor, conversation_id)
    turns = given.conversations.turns(actor, conversation_id)
    return ConversationDetail(
        **ConversationView.model_validate(conversation).model_dump(),
        turns=[_turn(turn) for turn in turns],
    )


@router.patch("/{conversation_id}")
def rename_conversation(
    conversation_id: str, body: RenameBody, actor: CurrentActor, given: GivenServices
) -> ConversationView:
    renamed = given.conversations.rename(actor, conversation_id, body.title)
    return ConversationView.model_validate(renamed)


@router.delete("/{conversation_id}", status_code=204)
def delete_conversation(conversation_id: str, actor: CurrentActor, given: GivenServices) -> None:
    """Into the bin; `restore` takes it back."""
    given.conversations.delete(actor, conversation_id)


@router.post("/{conversation_id}/restore")
def restore_conversation(
    conversation_id: str, actor: CurrentActor, given: GivenServices
) -> ConversationView:
    restored = given.conversations.restore(actor, conversation_id)
    return ConversationView.model_validate(restored)


def _turn(turn: Turn) -> TurnView:
    return TurnView(
        turn_id=turn.turn_id,
        position=turn.position,
        question=turn.question,
        run_id=turn.run.run_id,
        status=turn.run.status.value,
        text=turn.run.answer.text if turn.run.answer else "",
    )
