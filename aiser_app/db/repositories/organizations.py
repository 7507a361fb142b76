from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from aiser_app.db.models import OrganizationRow, UserRow

SETUP_LOCK_KEY = 4_157_350_022


class OrganizationRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, organization_id: str, name: str, created_at: datetime) -> None:
        self._session.add(
            OrganizationRow(organization_id=organization_id, name=name, created_at=created_at)
        )
        self._session.flush()

    def find_name(self, organization_id: str) -> str | None:
        row = self._session.get(OrganizationRow, organization_id)
        return row.name if row else None

    def has_owner(self) -> bool:
        """Whether any organization has an owner: then setup is over for good."""
        found = self._session.exec(
            select(func.count()).select_from(UserRow).where(col(UserRow.role) == "owner")
        )
        return found.one() > 0

    def hold_setup_lock(self) -> None:
        """Make setups run one after the other, until this transaction ends."""
        self._session.connection().execute(
            text("SELECT pg_advisory_xact_lock(:key)"), {"key": SETUP_LOCK_KEY}
        )
