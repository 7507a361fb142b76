"""Verified queries, and the thumbs that propose them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.verified_schemas import (
    ChangeVerifiedBody,
    CreateVerifiedBody,
    FeedbackBody,
    FeedbackList,
    FeedbackTaken,
    FeedbackView,
    VerifiedQueryList,
    VerifiedQueryView,
)
from aiser_app.domain.encoding import encode
from aiser_app.domain.verified_query import VerifiedQuery, VerifiedStatus
from aiser_app.services.verified_queries import VerifiedInput

router = APIRouter(prefix="/verified-queries", tags=["verified queries"])
feedback_router = APIRouter(tags=["feedback"])


@router.get("")
def list_verified_queries(
    actor: CurrentActor,
    given: GivenServices,
    source: Annotated[str | None, Query(max_length=400)] = None,
    status: VerifiedStatus | None = None,
) -> VerifiedQueryList:
    """By name; of one source or of all, of one status or of every."""
    found = given.verified_queries.list(actor, source=source, status=status)
    return VerifiedQueryList(verified_queries=[_view(query) for query in found])


@router.post("", status_code=201)
def create_verified_query(
    body: CreateVerifiedBody, actor: CurrentActor, given: GivenServices
) -> VerifiedQueryView:
    """Write one by hand: a proposal, or with `approve` verified at once."""
    made = given.verified_queries.create(
        actor,
        body.source,
        VerifiedInput(
            name=body.name,
            questions=body.questions,
            semantic_query=body.semantic_query,
            sql=body.sql,
            is_onboarding=body.is_onboarding,
        ),
        approve=body.approve,
    )
    return _view(made)


@router.get("/{verified_query_id}")
def get_verified_query(
    verified_query_id: str, actor: CurrentActor, given: GivenServices
) -> VerifiedQueryView:
    return _view(given.verified_queries.get(actor, verified_query_id))


@router.patch("/{verified_query_id}")
def change_verified_query(
    verified_query_id: str, body: ChangeVerifiedBody, actor: CurrentActor, given: GivenServices
) -> VerifiedQueryView:
    """Whoever changes the questions or the query of a verified one has verified it anew."""
    return _view(given.verified_queries.change(actor, verified_query_id, _input(body)))


@router.post("/{verified_query_id}/approve")
def approve_verified_query(
    verified_query_id: str,
    actor: CurrentActor,
    given: GivenServices,
    body: ChangeVerifiedBody | None = None,
) -> VerifiedQueryView:
    """From now on it answers its questions, and is a case of every evaluation.

    What the body gives is changed first.
    """
    change = _input(body) if body is not None else None
    return _view(given.verified_queries.approve(actor, verified_query_id, change))


@router.post("/{verified_query_id}/retire")
def retire_verified_query(
    verified_query_id: str, actor: CurrentActor, given: GivenServices
) -> VerifiedQueryView:
    """It is not used any more, and can be approved again."""
    return _view(given.verified_queries.retire(actor, verified_query_id))


@router.delete("/{verified_query_id}", status_code=204)
def delete_verified_query(
    verified_query_id: str, actor: CurrentActor, given: GivenServices
) -> None:
    given.verified_queries.delete(actor, verified_query_id)


@feedback_router.put("/runs/{run_id}/feedback")
def rate_answer(
    run_id: str, body: FeedbackBody, actor: CurrentActor, given: GivenServices
) -> FeedbackTaken:
    """Say whether an answer to you was right. A thumb up proposes a verified query."""
    proposed = given.feedback.rate(actor, run_id, body.thumb, reason=body.reason, note=body.note)
    return FeedbackTaken(thumb=body.thumb, proposed=_view(proposed) if proposed else None)


@feedback_router.get("/feedback")
def list_feedback(
    actor: CurrentActor,
    given: GivenServices,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> FeedbackList:
    """What people said of answers, latest first (`verified_queries.manage`)."""
    found = given.feedback.list(actor, limit)
    return FeedbackList(feedback=[FeedbackView.model_validate(item) for item in found])


def _input(body: ChangeVerifiedBody) -> VerifiedInput:
    return VerifiedInput(
        name=body.name,
        questions=body.questions,
        semantic_query=body.semantic_query,
        sql=body.sql,
        is_onboarding=body.is_onboarding,
    )


def _view(query: VerifiedQuery) -> VerifiedQueryView:
    return VerifiedQueryView.model_validate(encode(query))
