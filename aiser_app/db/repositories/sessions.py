from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, select, update

from aiser_app.db.models import OrganizationRow, SessionRow, UserRow
from aiser_app.db.repositories.users import user_of
from aiser_app.domain.person import User


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionHolder:
    """Whose session it is, and how long it lasts."""

    user: User
    organization_name: str
    last_used_at: datetime
    expires_at: datetime


class SessionRepository:
    """Sessions are found by the hash of their token: before that, no organization is known."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        *,
        token_hash: str,
        organization_id: str,
        user_id: str,
        created_at: datetime,
        expires_at: datetime,
    ) -> None:
        self._session.add(
            SessionRow(
                token_hash=token_hash,
                organization_id=organization_id,
                user_id=user_id,
                created_at=created_at,
                last_used_at=created_at,
                expires_at=expires_at,
            )
        )
        self._session.flush()

    def find_holder(self, token_hash: str) -> SessionHolder | None:
        found = self._session.exec(
            select(SessionRow, UserRow, OrganizationRow.name)
            .join(UserRow, col(UserRow.user_id) == col(SessionRow.user_id))
            .join(
                OrganizationRow,
                col(OrganizationRow.organization_id) == col(UserRow.organization_id),
            )
            .where(SessionRow.token_hash == token_hash)
        ).first()
        if found is None:
            return None
        row, user, organization_name = found
        return SessionHolder(
            user=user_of(user),
            organization_name=organization_name,
            last_used_at=row.last_used_at,
            expires_at=row.expires_at,
        )

    def extend(self, token_hash: str, *, now: datetime, expires_at: datetime) -> None:
        self._session.exec(
            update(SessionRow)
            .where(col(SessionRow.token_hash) == token_hash)
            .values(last_used_at=now, expires_at=expires_at)
        )

    def delete(self, token_hash: str) -> None:
        self._session.exec(delete(SessionRow).where(col(SessionRow.token_hash) == token_hash))

    def delete_of_user(self, organization_id: str, user_id: str) -> None:
        self._session.exec(
            delete(SessionRow).where(
                col(SessionRow.organization_id) == organization_id,
                col(SessionRow.user_id) == user_id,
            )
        )

    def delete_expired(self, now: datetime) -> None:
        self._session.exec(delete(SessionRow).where(col(SessionRow.expires_at) < now))
