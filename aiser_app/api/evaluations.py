"""Evaluations of the organization's verified questions (`verified_queries.manage`)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.verified_schemas import (
    EvaluationBody,
    EvaluationDetail,
    EvaluationList,
    EvaluationView,
    TrendView,
)

router = APIRouter(prefix="/evaluations", tags=["evaluations"])


@router.post("", status_code=202)
def start_evaluation(
    actor: CurrentActor, given: GivenServices, body: EvaluationBody | None = None
) -> EvaluationView:
    """Ask all verified questions, in the background, as if nobody had verified them."""
    source = body.source if body is not None else None
    return EvaluationView.model_validate(given.evaluations.start(actor, source))


@router.get("")
def list_evaluations(
    actor: CurrentActor,
    given: GivenServices,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> EvaluationList:
    """Latest first, without their cases."""
    found = given.evaluations.list(actor, limit)
    return EvaluationList(evaluations=[EvaluationView.model_validate(item) for item in found])


@router.get("/trend")
def evaluation_trend(actor: CurrentActor, given: GivenServices) -> TrendView:
    """A chart of the shares of right answers over time, without an option while there are fewer than two."""
    return TrendView(option=given.evaluations.trend(actor))


@router.get("/{evaluation_id}")
def get_evaluation(
    evaluation_id: str, actor: CurrentActor, given: GivenServices
) -> EvaluationDetail:
    """With its cases: right, wrong, asked, refused, failed, or broken (the verified query does not run)."""
    return EvaluationDetail.model_validate(given.evaluations.get(actor, evaluation_id))
