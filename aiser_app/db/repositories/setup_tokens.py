from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, delete, select

from aiser_app.db.models import SetupTokenRow


class SetupTokenRepository:
    """At most one token is in force: the newest."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def replace(self, token_hash: str, *, created_at: datetime, expires_at: datetime) -> None:
        self.delete_all()
        self._session.add(
            SetupTokenRow(token_hash=token_hash, created_at=created_at, expires_at=expires_at)
        )
        self._session.flush()

    def is_valid(self, token_hash: str, now: datetime) -> bool:
        row = self._session.exec(
            select(SetupTokenRow).where(
                SetupTokenRow.token_hash == token_hash, col(SetupTokenRow.expires_at) > now
            )
        ).first()
        return row is not None

    def delete_all(self) -> None:
        self._session.exec(delete(SetupTokenRow))
