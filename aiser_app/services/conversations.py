"""Conversations: private to the person who holds them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeAlias

from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.db.identifiers import is_id
from aiser_app.db.repositories.conversations import Owner
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.conversation import Conversation, Turn
from aiser_app.domain.permission import Permission
from aiser_app.errors import InvalidInput, NotFound
from aiser_app.services.text_input import checked_name, has_binary

LIST_LIMIT = 200
LIST_MAX = 1_000
SEARCH_MAX_CHARS = 200

_Conversations: TypeAlias = list[Conversation]
_Turns: TypeAlias = list[Turn]


class Conversations:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, actor: Actor, search: str = "", limit: int = LIST_LIMIT) -> _Conversations:
        """The actor's own, latest first; `search` is a piece of the title."""
        require(actor, Permission.CONVERSATIONS_READ)
        if len(search) > SEARCH_MAX_CHARS or has_binary(search):
            raise InvalidInput(f"A search has at most {SEARCH_MAX_CHARS} characters of text.")
        with UnitOfWork(self._engine) as uow:
            return uow.conversations.list_all(
                owner_of(actor), search.strip(), max(1, min(limit, LIST_MAX))
            )

    def get(self, actor: Actor, conversation_id: str) -> Conversation:
        """Raises `NotFound`, also for one of somebody else."""
        require(actor, Permission.CONVERSATIONS_READ)
        with UnitOfWork(self._engine) as uow:
            return find_conversation(uow, actor, conversation_id)

    def turns(self, actor: Actor, conversation_id: str) -> _Turns:
        """In the order in which they were asked."""
        require(actor, Permission.CONVERSATIONS_READ)
        with UnitOfWork(self._engine) as uow:
            conversation = find_conversation(uow, actor, conversation_id)
            return uow.turns.list_all(actor.organization_id, conversation.conversation_id)

    def rename(self, actor: Actor, conversation_id: str, title: str) -> Conversation:
        require(actor, Permission.CONVERSATIONS_MANAGE)
        title = checked_name(title, "The title")
        with UnitOfWork(self._engine) as uow:
            find_conversation(uow, actor, conversation_id)
            uow.conversations.rename(owner_of(actor), conversation_id, title)
            renamed = find_conversation(uow, actor, conversation_id)
            uow.commit()
        return renamed

    def delete(self, actor: Actor, conversation_id: str) -> None:
        """Into the bin: `restore` takes it back."""
        require(actor, Permission.CONVERSATIONS_MANAGE)
        with UnitOfWork(self._engine) as uow:
            find_conversation(uow, actor, conversation_id)
            uow.conversations.mark_deleted(owner_of(actor), conversation_id, datetime.now(UTC))
            uow.commit()

    def restore(self, actor: Actor, conversation_id: str) -> Conversation:
        """Undo `delete`; also right for one that was never deleted."""
        require(actor, Permission.CONVERSATIONS_MANAGE)
        with UnitOfWork(self._engine) as uow:
            if is_id(conversation_id):
                uow.conversations.mark_deleted(owner_of(actor), conversation_id, None)
            restored = find_conversation(uow, actor, conversation_id)
            uow.commit()
        return restored


def owner_of(actor: Actor) -> Owner:
    return Owner(organization_id=actor.organization_id, user_id=actor.user_id)


def find_conversation(
    uow: UnitOfWork, actor: Actor, conversation_id: str, *, lock: bool = False
) -> Conversation:
    """The actor's own conversation. Raises `NotFound` for everything else."""
    found = (
        uow.conversations.find(owner_of(actor), conversation_id, lock=lock)
        if is_id(conversation_id)
        else None
    )
    if found is None:
        raise NotFound("There is no such conversation.")
    return found
