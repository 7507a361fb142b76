from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam
from sqlalchemy import select as plain_select
from sqlmodel import Session, col, select, update

from aiser_app.db.models import OrganizationRow, UserRow
from aiser_app.db.plain_rows import run_plain, table_of
from aiser_app.domain.actor import Role
from aiser_app.domain.person import User


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """A user with what is needed to check a password; never leaves the account services."""

    user: User
    organization_name: str
    password_hash: str


_USERS = table_of(UserRow)
_IS_THAT_USER = and_(
    _USERS.c.user_id == bindparam("which"),
    _USERS.c.organization_id == bindparam("organization_id"),
)
_FIND = plain_select(_USERS).where(_IS_THAT_USER)
_LOCK = plain_select(_USERS.c.user_id).where(_IS_THAT_USER).with_for_update()


class UserRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, user: User, password_hash: str) -> None:
        self._session.add(
            UserRow(
                user_id=user.user_id,
                organization_id=user.organization_id,
                name=user.name,
                email=user.email,
                role=user.role.value,
                password_hash=password_hash,
                is_active=user.is_active,
                attributes=dict(user.attributes),
                created_at=user.created_at,
            )
        )
        self._session.flush()

    def find(self, organization_id: str, user_id: str) -> User | None:
        row = run_plain(
            self._session, _FIND, which=user_id, organization_id=organization_id
        ).first()
        return user_of(row) if row else None

    def list_all(self, organization_id: str) -> list[User]:
        rows = self._session.exec(
            select(UserRow)
            .where(UserRow.organization_id == organization_id)
            .order_by(col(UserRow.name), col(UserRow.user_id))
        )
        return [user_of(row) for row in rows]

    def lock(self, organization_id: str, user_id: str) -> None:
        """Make other transactions that lock this user wait until this one ends."""
        run_plain(self._session, _LOCK, which=user_id, organization_id=organization_id).first()

    def lock_all(self, organization_id: str) -> list[User]:
        """The organization's users, held until this transaction ends: for rules over all of them."""
        rows = self._session.exec(
            select(UserRow)
            .where(UserRow.organization_id == organization_id)
            .order_by(col(UserRow.user_id))
            .with_for_update()
        )
        return [user_of(row) for row in rows]

    def find_credentials(self, email: str) -> Credentials | None:
        """By email over all organizations: nobody is signed in yet."""
        found = self._session.exec(
            select(UserRow, OrganizationRow.name)
            .join(
                OrganizationRow,
                col(OrganizationRow.organization_id) == col(UserRow.organization_id),
            )
            .where(UserRow.email == email)
        ).first()
        if found is None:
            return None
        row, organization_name = found
        return Credentials(
            user=user_of(row), organization_name=organization_name, password_hash=row.password_hash
        )

    def find_first_owner(self) -> User | None:
        row = self._session.exec(
            select(UserRow)
            .where(UserRow.role == Role.OWNER.value, col(UserRow.is_active))
            .order_by(col(UserRow.created_at))
        ).first()
        return user_of(row) if row else None

    def change(self, user: User) -> None:
        """Write role, activity and attributes."""
        self._session.exec(
            update(UserRow)
            .where(
                col(UserRow.user_id) == user.user_id,
                col(UserRow.organization_id) == user.organization_id,
            )
            .values(
                role=user.role.value,
                is_active=user.is_active,
                attributes=dict(user.attributes),
            )
        )

    def change_password_hash(self, organization_id: str, user_id: str, password_hash: str) -> None:
        self._session.exec(
            update(UserRow)
            .where(col(UserRow.user_id) == user_id, col(UserRow.organization_id) == organization_id)
            .values(password_hash=password_hash)
        )


def user_of(row: UserRow | Row[*tuple[Any, ...]]) -> User:
    return User(
        user_id=row.user_id,
        organization_id=row.organization_id,
        name=row.name,
        email=row.email,
        role=Role(row.role),
        is_active=row.is_active,
        created_at=row.created_at,
        attributes=row.attributes,
    )
