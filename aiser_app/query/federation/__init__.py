"""Queries over several sources; see docs/decisions/0015-cross-source.md."""

from aiser_app.query.federation.plan import FederatedPlan, FederatedSource, Part
from aiser_app.query.federation.running import FederatedQuery, FederationSettings, prepare
from aiser_app.query.federation.splitting import split

__all__ = [
    "FederatedPlan",
    "FederatedQuery",
    "FederatedSource",
    "FederationSettings",
    "Part",
    "prepare",
    "split",
]
