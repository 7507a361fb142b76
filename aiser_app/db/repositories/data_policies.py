from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam
from sqlalchemy import select as plain_select
from sqlmodel import Session, col, delete, select

from aiser_app.db.models import DataPolicyRow
from aiser_app.db.plain_rows import run_plain, table_of
from aiser_app.domain.actor import Role
from aiser_app.domain.data_policy import DataPolicy, PolicyKind
from aiser_app.domain.policy import MaskKind

_POLICIES = table_of(DataPolicyRow)
_ALL = (
    plain_select(_POLICIES)
    .where(_POLICIES.c.organization_id == bindparam("organization_id"))
    .order_by(_POLICIES.c.name, _POLICIES.c.policy_id)
)
_OF_SOURCE = _ALL.where(_POLICIES.c.source_id == bindparam("source_id"))


class DataPolicyRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, policy: DataPolicy) -> None:
        """Raises `IntegrityError` when the source has a policy of that name."""
        self._session.add(
            DataPolicyRow(
                policy_id=policy.policy_id,
                organization_id=policy.organization_id,
                source_id=policy.source_id,
                name=policy.name,
                kind=policy.kind.value,
                table_name=policy.table,
                column_name=policy.column,
                condition=policy.condition,
                mask=policy.mask.value if policy.mask else "",
                exempt_roles=[role.value for role in policy.exempt_roles],
                created_at=policy.created_at,
            )
        )
        self._session.flush()

    def list_all(self, organization_id: str, source_id: str | None = None) -> list[DataPolicy]:
        """By name; of one source, or of all."""
        if source_id is None:
            rows = run_plain(self._session, _ALL, organization_id=organization_id)
        else:
            rows = run_plain(
                self._session, _OF_SOURCE, organization_id=organization_id, source_id=source_id
            )
        return [_policy(row) for row in rows]

    def find(self, organization_id: str, policy_id: str) -> DataPolicy | None:
        row = self._session.exec(
            select(DataPolicyRow).where(
                DataPolicyRow.policy_id == policy_id,
                DataPolicyRow.organization_id == organization_id,
            )
        ).first()
        return _policy(row) if row else None

    def delete(self, organization_id: str, policy_id: str) -> None:
        self._session.exec(
            delete(DataPolicyRow).where(
                col(DataPolicyRow.policy_id) == policy_id,
                col(DataPolicyRow.organization_id) == organization_id,
            )
        )

    def delete_of_source(self, organization_id: str, source_id: str) -> None:
        self._session.exec(
            delete(DataPolicyRow).where(
                col(DataPolicyRow.source_id) == source_id,
                col(DataPolicyRow.organization_id) == organization_id,
            )
        )


def _policy(row: DataPolicyRow | Row[*tuple[Any, ...]]) -> DataPolicy:
    return DataPolicy(
        policy_id=row.policy_id,
        organization_id=row.organization_id,
        source_id=row.source_id,
        name=row.name,
        kind=PolicyKind(row.kind),
        table=row.table_name,
        condition=row.condition,
        column=row.column_name,
        mask=MaskKind(row.mask) if row.mask else None,
        exempt_roles=tuple(Role(role) for role in row.exempt_roles),
        created_at=row.created_at,
    )
