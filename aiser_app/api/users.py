"""The people of the organization."""

from __future__ import annotations

from fastapi import APIRouter

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.schemas import ChangeUserBody, CreateUserBody, UserList, UserView

router = APIRouter(prefix="/users", tags=["users"])


@router.get("")
def list_users(actor: CurrentActor, given: GivenServices) -> UserList:
    return UserList(users=[UserView.model_validate(u) for u in given.accounts.list_users(actor)])


@router.post("", status_code=201)
def create_user(body: CreateUserBody, actor: CurrentActor, given: GivenServices) -> UserView:
    user = given.accounts.create_user(
        actor, name=body.name, email=body.email, role=body.role, password=body.password
    )
    return UserView.model_validate(user)


@router.patch("/{user_id}")
def change_user(
    user_id: str, body: ChangeUserBody, actor: CurrentActor, given: GivenServices
) -> UserView:
    """Deactivating ends the user's sessions and stops their keys."""
    user = given.accounts.change_user(
        actor, user_id, role=body.role, is_active=body.is_active, attributes=body.attributes
    )
    return UserView.model_validate(user)
