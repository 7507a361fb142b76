"""Row policies and column masks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.source_schemas import PolicyBody, PolicyList, PolicyView
from aiser_app.services.policies import PolicyInput

router = APIRouter(prefix="/policies", tags=["policies"])


@router.get("")
def list_policies(
    actor: CurrentActor,
    given: GivenServices,
    source: Annotated[str | None, Query(max_length=400)] = None,
) -> PolicyList:
    found = given.policies.list(actor, source)
    return PolicyList(policies=[PolicyView.model_validate(policy) for policy in found])


@router.post("", status_code=201)
def create_policy(body: PolicyBody, actor: CurrentActor, given: GivenServices) -> PolicyView:
    """In force from the next query on, for questions, queries, exports and cached results alike."""
    return PolicyView.model_validate(given.policies.create(actor, _input(body)))


@router.put("/{policy_id}")
def replace_policy(
    policy_id: str, body: PolicyBody, actor: CurrentActor, given: GivenServices
) -> PolicyView:
    return PolicyView.model_validate(given.policies.replace(actor, policy_id, _input(body)))


@router.delete("/{policy_id}", status_code=204)
def delete_policy(policy_id: str, actor: CurrentActor, given: GivenServices) -> None:
    given.policies.delete(actor, policy_id)


def _input(body: PolicyBody) -> PolicyInput:
    return PolicyInput(
        name=body.name,
        source=body.source,
        table=body.table,
        condition=body.condition,
        column=body.column,
        mask=body.mask,
        exempt_roles=body.exempt_roles,
    )
