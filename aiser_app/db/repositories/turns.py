from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from aiser_app.db.models import RunRow, TurnRow
from aiser_app.db.repositories.runs import run_of
from aiser_app.domain.conversation import Turn


class TurnRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        *,
        turn_id: str,
        organization_id: str,
        conversation_id: str,
        question: str,
        created_at: datetime,
    ) -> int:
        """Append a turn; the caller holds the conversation. Returns its position."""
        last = self._session.exec(
            select(func.max(TurnRow.position)).where(
                TurnRow.organization_id == organization_id,
                TurnRow.conversation_id == conversation_id,
            )
        ).one()
        position = int(last or 0) + 1
        self._session.add(
            TurnRow(
                turn_id=turn_id,
                organization_id=organization_id,
                conversation_id=conversation_id,
                position=position,
                question=question,
                created_at=created_at,
            )
        )
        self._session.flush()
        return position

    def list_all(self, organization_id: str, conversation_id: str) -> list[Turn]:
        """In the order in which they were asked, each with its run."""
        found = self._session.exec(
            select(TurnRow, RunRow)
            .join(RunRow, col(RunRow.turn_id) == col(TurnRow.turn_id))
            .where(
                TurnRow.organization_id == organization_id,
                TurnRow.conversation_id == conversation_id,
            )
            .order_by(col(TurnRow.position))
        )
        return [
            Turn(
                turn_id=turn.turn_id,
                position=turn.position,
                question=turn.question,
                run=run_of(run),
            )
            for turn, run in found
        ]
