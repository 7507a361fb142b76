from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select, update

from aiser_app.db.models import ConversationRow
from aiser_app.domain.conversation import Conversation


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Conversations are private: every read names the organization and the user."""

    organization_id: str
    user_id: str


class ConversationRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, conversation: Conversation) -> None:
        self._session.add(
            ConversationRow(
                conversation_id=conversation.conversation_id,
                organization_id=conversation.organization_id,
                user_id=conversation.user_id,
                title=conversation.title,
                source_id=conversation.source_id,
                created_at=conversation.created_at,
                updated_at=conversation.updated_at,
            )
        )
        self._session.flush()

    def find(
        self, owner: Owner, conversation_id: str, *, deleted: bool = False, lock: bool = False
    ) -> Conversation | None:
        """Of the ones that are there, or, with `deleted`, of the ones in the bin."""
        statement = select(ConversationRow).where(
            ConversationRow.conversation_id == conversation_id,
            ConversationRow.organization_id == owner.organization_id,
            ConversationRow.user_id == owner.user_id,
            col(ConversationRow.deleted_at).is_not(None)
            if deleted
            else col(ConversationRow.deleted_at).is_(None),
        )
        if lock:
            statement = statement.with_for_update()
        row = self._session.exec(statement).first()
        return _conversation(row) if row else None

    def list_all(self, owner: Owner, search: str, limit: int) -> list[Conversation]:
        """Latest first; `search` is a piece of the title, in any case."""
        statement = select(ConversationRow).where(
            ConversationRow.organization_id == owner.organization_id,
            ConversationRow.user_id == owner.user_id,
            col(ConversationRow.deleted_at).is_(None),
        )
        if search:
            statement = statement.where(
                col(ConversationRow.title).icontains(search, autoescape=True)
            )
        rows = self._session.exec(
            statement.order_by(
                col(ConversationRow.updated_at).desc(), col(ConversationRow.conversation_id)
            ).limit(limit)
        )
        return [_conversation(row) for row in rows]

    def rename(self, owner: Owner, conversation_id: str, title: str) -> None:
        self._update(owner, conversation_id, title=title)

    def touch(self, owner: Owner, conversation_id: str, *, source_id: str, now: datetime) -> None:
        self._update(owner, conversation_id, source_id=source_id, updated_at=now)

    def mark_deleted(self, owner: Owner, conversation_id: str, at: datetime | None) -> None:
        self._update(owner, conversation_id, deleted_at=at)

    def _update(self, owner: Owner, conversation_id: str, **values: object) -> None:
        self._session.exec(
            update(ConversationRow)
            .where(
                col(ConversationRow.conversation_id) == conversation_id,
                col(ConversationRow.organization_id) == owner.organization_id,
                col(ConversationRow.user_id) == owner.user_id,
            )
            .values(**values)
        )


def _conversation(row: ConversationRow) -> Conversation:
    return Conversation(
        conversation_id=row.conversation_id,
        organization_id=row.organization_id,
        user_id=row.user_id,
        title=row.title,
        source_id=row.source_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
