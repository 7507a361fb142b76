from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from aiser_app.db.identifiers import new_id
from aiser_app.db.models import AuditEventRow
from aiser_app.db.plain_rows import insert_row
from aiser_app.db.storable import storable, storable_text


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """`kind` is noun.verb, as in `session.started`; `detail` never holds a secret."""

    organization_id: str
    user_id: str | None
    kind: str
    subject: str
    at: datetime
    client: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


class AuditEventRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, event: AuditEvent) -> None:
        insert_row(
            self._session,
            AuditEventRow,
            audit_event_id=new_id(),
            organization_id=event.organization_id,
            user_id=event.user_id,
            kind=event.kind,
            subject=storable_text(event.subject)[:400],
            client=storable_text(event.client)[:100],
            detail=storable(event.detail),
            at=event.at,
        )

    def list_all(self, organization_id: str, limit: int = 100) -> list[AuditEvent]:
        rows = self._session.exec(
            select(AuditEventRow)
            .where(AuditEventRow.organization_id == organization_id)
            .order_by(col(AuditEventRow.at).desc())
            .limit(limit)
        )
        return [
            AuditEvent(
                organization_id=row.organization_id,
                user_id=row.user_id,
                kind=row.kind,
                subject=row.subject,
                at=row.at,
                client=row.client,
                detail=row.detail,
            )
            for row in rows
        ]
