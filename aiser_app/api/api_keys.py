"""Keys of the person who is signed in."""

from __future__ import annotations

from fastapi import APIRouter

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.schemas import ApiKeyList, ApiKeyView, CreateApiKeyBody, NewApiKey

router = APIRouter(prefix="/api-keys", tags=["api keys"])


@router.get("")
def list_api_keys(actor: CurrentActor, given: GivenServices) -> ApiKeyList:
    keys = given.accounts.list_api_keys(actor)
    return ApiKeyList(api_keys=[ApiKeyView.model_validate(key) for key in keys])


@router.post("", status_code=201)
def create_api_key(body: CreateApiKeyBody, actor: CurrentActor, given: GivenServices) -> NewApiKey:
    """The secret is in this response, and nowhere ever again."""
    key, secret = given.accounts.create_api_key(actor, name=body.name, days=body.days)
    return NewApiKey(**ApiKeyView.model_validate(key).model_dump(), secret=secret)


@router.delete("/{api_key_id}", status_code=204)
def revoke_api_key(api_key_id: str, actor: CurrentActor, given: GivenServices) -> None:
    given.accounts.revoke_api_key(actor, api_key_id)
