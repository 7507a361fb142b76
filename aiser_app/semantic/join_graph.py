"""Ways from one cube to another along many-to-one joins.

Following an edge never multiplies the rows of the cube it starts from, so whatever is reachable
from a cube can be shown beside, or used to group and filter, that cube's measures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aiser_app.domain.semantic_model import Cube, Join, SemanticModel
from aiser_app.errors import QueryInvalid

MAX_STEPS = 4
"""Longest way that is considered; longer ones mean something else than what was asked."""


@dataclass(frozen=True, slots=True)
class Step:
    """One edge, from the cube that owns it."""

    owner: str
    join: Join


Path = tuple[Step, ...]


def find_paths(model: SemanticModel, start: str, target: str, role: str = "") -> list[Path]:
    """All shortest ways that pass the role, best score first; several mean that it is ambiguous."""
    ways = [path for path in _walk(model, start, target, ()) if _has_role(path, role)]
    if not ways:
        return []
    shortest = min(len(path) for path in ways)
    return sorted((path for path in ways if len(path) == shortest), key=_certainty, reverse=True)


def get_path(model: SemanticModel, start: Cube, target: Cube, role: str = "") -> Path:
    """The one shortest way.

    Raises:
        QueryInvalid: there is none, or there are several and no role chooses between them.
    """
    if start.name == target.name and not role:
        return ()
    paths = find_paths(model, start.name, target.name, role)
    if not paths:
        raise QueryInvalid(_no_way(model, start, target, role), hint=_no_way_hint(start, target))
    if len(paths) > 1:
        roles = ", ".join(sorted({_role_of(path) for path in paths}))
        raise QueryInvalid(
            f"{start.title} leads to {target.title} in {len(paths)} ways: {roles}.",
            hint="Say which one is meant.",
        )
    return paths[0]


def _walk(model: SemanticModel, at: str, target: str, path: Path) -> Iterator[Path]:
    """Simple ways only: no cube is entered twice, except for returning to the start."""
    if path and at == target:
        yield path
        return
    cube = model.find_cube(at)
    if cube is None or len(path) == MAX_STEPS:
        return
    visited = {step.owner for step in path} | {at}
    for join in cube.joins:
        if join.target not in visited or join.target == target:
            yield from _walk(model, join.target, target, (*path, Step(at, join)))


def _has_role(path: Path, role: str) -> bool:
    return not role or any(step.join.role == role for step in path)


def _certainty(path: Path) -> tuple[float, str]:
    score = 1.0
    for step in path:
        score *= step.join.score
    return score, _role_of(path)


def _role_of(path: Path) -> str:
    return next(
        (step.join.role or step.join.columns[0][0] for step in path if step.join.columns), ""
    )


def _no_way(model: SemanticModel, start: Cube, target: Cube, role: str) -> str:
    if role and find_paths(model, start.name, target.name):
        return f"{start.title} is not connected to {target.title} as “{role[:60]}”."
    if find_paths(model, target.name, start.name):
        return _counted_twice(start, target)
    between = next(
        (
            cube
            for cube in model.cubes
            if find_paths(model, cube.name, start.name)
            and find_paths(model, cube.name, target.name)
        ),
        None,
    )
    if between is not None:
        return _counted_twice(start, between)
    return f"{start.title} and {target.title} are not connected."


def _counted_twice(start: Cube, many: Cube) -> str:
    return (
        f"One of “{start.title}” has many of “{many.title}”: joined with them, the rows of "
        f"“{start.title}” would count several times."
    )


def _no_way_hint(start: Cube, target: Cube) -> str:
    return f"Ask about {start.title} and {target.title} one at a time, or add a join to the model."
