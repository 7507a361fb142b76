"""Probes: alive (this process answers) and ready (everything it needs does, too)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aiser_app.api.dependencies import process_services
from aiser_app.api.schemas import CheckView, LivenessView, ReadinessView
from aiser_app.errors import AiserError

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> LivenessView:
    """Touches nothing, so that a slow database never gets this process killed."""
    return LivenessView()


@router.get("/readyz", responses={503: {"model": ReadinessView}})
def readyz(response: Response) -> ReadinessView:
    """Database, migrations, Redis, Chroma and a live worker; 503 unless all are well."""
    try:
        checks = [
            CheckView(name=check.name, ok=check.ok, detail=check.detail, hint=check.hint)
            for check in process_services().health.readiness().checks
        ]
    except AiserError as error:
        checks = [CheckView(name="stack", ok=False, detail=error.message, hint=error.hint or "")]
    is_ready = all(check.ok for check in checks)
    response.status_code = 200 if is_ready else 503
    return ReadinessView(status="ready" if is_ready else "not_ready", checks=checks)
