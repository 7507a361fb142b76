"""Which policies of a source hold for an actor."""

from __future__ import annotations

from collections.abc import Iterable

from aiser_app.domain.actor import Actor
from aiser_app.domain.data_policy import DataPolicy, PolicyKind
from aiser_app.domain.policy import ColumnMask, Policies, RowPolicy


def policies_for(actor: Actor, policies: Iterable[DataPolicy]) -> Policies:
    """Those whose exempt roles do not include the actor's, in the form that the guard injects."""
    held = [policy for policy in policies if actor.role not in policy.exempt_roles]
    return Policies(
        rows=tuple(
            RowPolicy(name=policy.name, table=policy.table, condition=policy.condition)
            for policy in held
            if policy.kind is PolicyKind.ROW
        ),
        masks=tuple(
            ColumnMask(name=policy.name, table=policy.table, column=policy.column, kind=policy.mask)
            for policy in held
            if policy.kind is PolicyKind.MASK and policy.mask is not None
        ),
    )
