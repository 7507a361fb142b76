"""Cube servers attached to sources: their model, and queries that they answer. See docs/cube.md."""

from aiser_app.query.cube.access import CubeAccess
from aiser_app.query.cube.definitions import check_computable, member_only_in_cube
from aiser_app.query.cube.failures import CubeFailed, CubeNotUsed
from aiser_app.query.cube.model import CubeModel
from aiser_app.query.cube.route import (
    ROUTE,
    CubePlan,
    CubeRoute,
    check_other_way,
    check_written,
    fallback_notes,
)

__all__ = [
    "ROUTE",
    "CubeAccess",
    "CubeFailed",
    "CubeModel",
    "CubeNotUsed",
    "CubePlan",
    "CubeRoute",
    "check_computable",
    "check_other_way",
    "check_written",
    "fallback_notes",
    "member_only_in_cube",
]
