from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select, update

from aiser_app.db.models import ApiKeyRow, OrganizationRow, UserRow
from aiser_app.db.repositories.users import user_of
from aiser_app.domain.person import ApiKey, User


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyHolder:
    """Whose key it is; revoked keys have no holder."""

    user: User
    organization_name: str
    api_key: ApiKey


class ApiKeyRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, api_key: ApiKey, *, user: User, secret_hash: str) -> None:
        self._session.add(
            ApiKeyRow(
                api_key_id=api_key.api_key_id,
                organization_id=user.organization_id,
                user_id=user.user_id,
                name=api_key.name,
                prefix=api_key.prefix,
                secret_hash=secret_hash,
                created_at=api_key.created_at,
                expires_at=api_key.expires_at,
            )
        )
        self._session.flush()

    def list_all(self, organization_id: str, user_id: str) -> list[ApiKey]:
        rows = self._session.exec(
            select(ApiKeyRow)
            .where(
                ApiKeyRow.organization_id == organization_id,
                ApiKeyRow.user_id == user_id,
                col(ApiKeyRow.revoked_at).is_(None),
            )
            .order_by(col(ApiKeyRow.created_at).desc())
        )
        return [_api_key(row) for row in rows]

    def find_holder(self, secret_hash: str) -> KeyHolder | None:
        """By the hash of the secret: before that, no organization is known."""
        found = self._session.exec(
            select(ApiKeyRow, UserRow, OrganizationRow.name)
            .join(UserRow, col(UserRow.user_id) == col(ApiKeyRow.user_id))
            .join(
                OrganizationRow,
                col(OrganizationRow.organization_id) == col(UserRow.organization_id),
            )
            .where(ApiKeyRow.secret_hash == secret_hash, col(ApiKeyRow.revoked_at).is_(None))
        ).first()
        if found is None:
            return None
        row, user, organization_name = found
        return KeyHolder(
            user=user_of(user), organization_name=organization_name, api_key=_api_key(row)
        )

    def record_use(self, organization_id: str, api_key_id: str, now: datetime) -> None:
        self._session.exec(
            update(ApiKeyRow)
            .where(
                col(ApiKeyRow.api_key_id) == api_key_id,
                col(ApiKeyRow.organization_id) == organization_id,
            )
            .values(last_used_at=now)
        )

    def revoke(
        self, organization_id: str, user_id: str, api_key_id: str, now: datetime
    ) -> ApiKey | None:
        """The key that was revoked, or None when the user has no such key in force."""
        row = self._session.exec(
            select(ApiKeyRow)
            .where(
                ApiKeyRow.api_key_id == api_key_id,
                ApiKeyRow.organization_id == organization_id,
                ApiKeyRow.user_id == user_id,
                col(ApiKeyRow.revoked_at).is_(None),
            )
            .with_for_update()
        ).first()
        if row is None:
            return None
        row.revoked_at = now
        self._session.add(row)
        self._session.flush()
        return _api_key(row)


def _api_key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        api_key_id=row.api_key_id,
        name=row.name,
        prefix=row.prefix,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
