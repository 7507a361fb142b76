from __future__ import annotations

from sqlmodel import Session, col, delete, select

from aiser_app.db.models import DataPolicyRow
from aiser_app.domain.actor import Role
from aiser_app.domain.data_policy import DataPolicy, PolicyKind
from aiser_app.domain.policy import MaskKind


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
        wanted = select(DataPolicyRow).where(DataPolicyRow.organization_id == organization_id)
        if source_id is not None:
            wanted = wanted.where(DataPolicyRow.source_id == source_id)
        rows = self._session.exec(
            wanted.order_by(col(DataPolicyRow.name), col(DataPolicyRow.policy_id))
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


def _policy(row: DataPolicyRow) -> DataPolicy:
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
