"""Row policies and column masks of data sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from aiser_app.access.data_policies import policies_for
from aiser_app.access.permissions import require
from aiser_app.db.identifiers import is_id, new_id
from aiser_app.db.repositories.audit_events import AuditEvent
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.data_policy import DataPolicy, PolicyKind
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.permission import Permission
from aiser_app.domain.policy import MaskKind
from aiser_app.errors import Conflict, InvalidInput, NotFound
from aiser_app.query.policy_check import check_policies
from aiser_app.services.grants import query_source
from aiser_app.services.sources import find_source
from aiser_app.services.text_input import checked_name, refuse_binary

MAX_POLICIES = 1_000
"""Of one source."""
CONDITION_MAX_CHARS = 4_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyInput:
    """A policy as given: with `condition` for rows, with `column` and `mask` for a mask."""

    name: str
    source: str
    table: str
    condition: str = ""
    column: str = ""
    mask: MaskKind | None = None
    exempt_roles: Sequence[Role] = ()


class DataPolicies:
    def __init__(self, engine: Engine, *, dialects: Mapping[str, str]) -> None:
        """`dialects` says which SQL each engine speaks, by the engine's name."""
        self._engine = engine
        self._dialects = dialects

    def list(self, actor: Actor, source: str | None = None) -> list[DataPolicy]:
        """Of one source by name or id, or of all; by name."""
        require(actor, Permission.POLICIES_MANAGE)
        with UnitOfWork(self._engine) as uow:
            source_id = None
            if source is not None:
                source_id = find_source(uow, actor.organization_id, source).source_id
            return uow.data_policies.list_all(actor.organization_id, source_id)

    def create(self, actor: Actor, given: PolicyInput) -> DataPolicy:
        """In force from the next query on, whatever is in the cache.

        Raises:
            InvalidInput: it could not be applied: no such table or column, not an expression.
            Conflict: the source has a policy of that name.
        """
        require(actor, Permission.POLICIES_MANAGE)
        now = datetime.now(UTC)
        try:
            with UnitOfWork(self._engine) as uow:
                source = find_source(uow, actor.organization_id, given.source)
                if len(uow.data_policies.list_all(actor.organization_id, source.source_id)) >= (
                    MAX_POLICIES
                ):
                    raise InvalidInput(f"A source has at most {MAX_POLICIES:,} policies.")
                policy = self._checked(uow, actor, source, given, now)
                uow.data_policies.add(policy)
                uow.audit_events.add(_event(actor, "policy.created", policy, now))
                uow.commit()
        except IntegrityError:
            raise Conflict(f"This source has a policy “{given.name[:80]}” already.") from None
        return policy

    def replace(self, actor: Actor, policy_id: str, given: PolicyInput) -> DataPolicy:
        """The policy with everything as given; raises as `create`."""
        require(actor, Permission.POLICIES_MANAGE)
        now = datetime.now(UTC)
        try:
            with UnitOfWork(self._engine) as uow:
                old = _found(uow, actor, policy_id)
                source = find_source(uow, actor.organization_id, given.source)
                policy = replace(
                    self._checked(uow, actor, source, given, now),
                    policy_id=old.policy_id,
                    created_at=old.created_at,
                )
                uow.data_policies.delete(actor.organization_id, policy_id)
                uow.data_policies.add(policy)
                uow.audit_events.add(_event(actor, "policy.changed", policy, now))
                uow.commit()
        except IntegrityError:
            raise Conflict(f"This source has a policy “{given.name[:80]}” already.") from None
        return policy

    def delete(self, actor: Actor, policy_id: str) -> None:
        require(actor, Permission.POLICIES_MANAGE)
        now = datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            policy = _found(uow, actor, policy_id)
            uow.data_policies.delete(actor.organization_id, policy_id)
            uow.audit_events.add(_event(actor, "policy.deleted", policy, now))
            uow.commit()

    def _checked(
        self, uow: UnitOfWork, actor: Actor, source: DataSource, given: PolicyInput, now: datetime
    ) -> DataPolicy:
        policy = DataPolicy(
            policy_id=new_id(),
            organization_id=actor.organization_id,
            source_id=source.source_id,
            name=checked_name(given.name, "The name"),
            kind=_kind(given),
            table=given.table,
            condition=given.condition,
            column=given.column,
            mask=given.mask,
            exempt_roles=tuple(dict.fromkeys(given.exempt_roles)),
            created_at=now,
        )
        table = query_source(uow, actor, source).tables.get(policy.table)
        if table is None:
            raise InvalidInput(
                f"“{source.name}” has no table “{policy.table[:80]}”.",
                hint="Give its name as GET /sources/{id}/tables lists it.",
            )
        everybody = policies_for(actor, [replace(policy, exempt_roles=())])
        check_policies(everybody, table, self._dialects.get(source.engine, source.engine))
        return policy


def _kind(given: PolicyInput) -> PolicyKind:
    is_row, is_mask = bool(given.condition.strip()), bool(given.column) and given.mask is not None
    if is_row == is_mask or (is_row and (given.column or given.mask)):
        raise InvalidInput("Give either a condition, or a column with its mask.")
    if len(given.condition) > CONDITION_MAX_CHARS:
        raise InvalidInput(f"A condition has at most {CONDITION_MAX_CHARS:,} characters.")
    refuse_binary(given.condition, "The condition")
    return PolicyKind.ROW if is_row else PolicyKind.MASK


def _found(uow: UnitOfWork, actor: Actor, policy_id: str) -> DataPolicy:
    policy = uow.data_policies.find(actor.organization_id, policy_id) if is_id(policy_id) else None
    if policy is None:
        raise NotFound("There is no such policy.")
    return policy


def _event(actor: Actor, kind: str, policy: DataPolicy, now: datetime) -> AuditEvent:
    return AuditEvent(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        kind=kind,
        subject=policy.name,
        at=now,
        detail={
            "policy_id": policy.policy_id,
            "source_id": policy.source_id,
            "table": policy.table,
            "kind": policy.kind.value,
            "exempt_roles": [role.value for role in policy.exempt_roles],
        },
    )
