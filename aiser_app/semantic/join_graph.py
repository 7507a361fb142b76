"""Ways from one cube to another, along many-to-one joins, or along joins in either direction.

Following an edge from its owner never multiplies the rows of the cube it starts from, so whatever is
reachable so can be shown beside, or used to group and filter, that cube's measures. The other way
("up") one row finds many: rows are told apart by their key before they are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from aiser_app.domain.semantic_model import Cube, Join, SemanticModel
from aiser_app.errors import QueryInvalid

MAX_STEPS = 4
"""Longest way that is considered; longer ones mean something else than what was asked."""


MAX_WAY = 5
"""The same for ways in either direction, which may pass a bridge."""
_MANY = 20
"""Ways of one length that are looked at; from the second on they are ambiguous anyway."""


@dataclass(frozen=True, slots=True)
class Step:
    """One edge, from the cube that owns it; or against it, from its target to its many owners."""

    owner: str
    join: Join
    is_up: bool = False

    @property
    def start(self) -> str:
        return self.join.target if self.is_up else self.owner

    @property
    def end(self) -> str:
        return self.owner if self.is_up else self.join.target

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Columns of the start and of the end that are equal."""
        if not self.is_up:
            return self.join.columns
        return tuple((other, own) for own, other in self.join.columns)

    @property
    def reversed(self) -> Step:
        return replace(self, is_up=not self.is_up)


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
    return _only(paths, start, target)


def get_way(model: SemanticModel, start: Cube, target: Cube, role: str = "") -> Path:
    """The one shortest way in either direction, with fewest turns from one-to-many's one side.

    A cube's way to itself is its own join, upwards: who has somebody below.

    Raises:
        QueryInvalid: there is none, or there are several and no role chooses between them.
    """
    if start.name == target.name:
        loops = [
            (Step(start.name, join, is_up=True),)
            for join in start.joins
            if join.target == start.name and role in ("", join.role)
        ]
        ways: list[Path] = list(loops)
    else:
        ways = _shortest(model, start.name, target.name, role)
    if not ways:
        known = role and _shortest(model, start.name, target.name, "")
        as_role = f" as “{role[:60]}”" if known else ""
        raise QueryInvalid(
            f"{start.title} and {target.title} are not connected{as_role}.",
            hint=_no_way_hint(start, target),
        )
    fewest = min(_turns(way) for way in ways)
    return _only([way for way in ways if _turns(way) == fewest], start, target)


def _only(paths: list[Path], start: Cube, target: Cube) -> Path:
    if len(paths) > 1:
        roles = ", ".join(sorted({_role_of(path) for path in paths}))
        raise QueryInvalid(
            f"{start.title} leads to {target.title} in {len(paths)} ways: {roles}.",
            hint="Say which one is meant.",
        )
    return paths[0]


def _turns(way: Path) -> int:
    """From going down to going up: through something that both merely share."""
    return sum(not one.is_up and other.is_up for one, other in pairwise(way))


def _shortest(model: SemanticModel, start: str, target: str, role: str) -> list[Path]:
    """Breadth first over (cube, whether the role was passed), so that hubs do not explode."""
    edges = _edges(model)
    ways: dict[tuple[str, bool], list[Path]] = {(start, not role): [()]}
    seen = set(ways)
    for _ in range(MAX_WAY):
        further: dict[tuple[str, bool], list[Path]] = {}
        for (at, passed), paths in ways.items():
            for step in edges.get(at, ()):
                state = (step.end, passed or is_called(step.join, role))
                if state in seen:
                    continue
                found = further.setdefault(state, [])
                fitting = [path for path in paths if _is_new(step, path, start)]
                found.extend((*path, step) for path in fitting[: _MANY - len(found)])
        if further.get((target, True)):
            return further[target, True]
        ways = {state: paths for state, paths in further.items() if paths}
        seen |= set(ways)
    return []


def _is_new(step: Step, path: Path, start: str) -> bool:
    return step.end != start and all(step.end != item.end for item in path)


def _edges(model: SemanticModel) -> dict[str, list[Step]]:
    edges: dict[str, list[Step]] = {}
    for cube in model.cubes:
        for join in cube.joins:
            step = Step(cube.name, join)
            edges.setdefault(step.start, []).append(step)
            edges.setdefault(step.end, []).append(step.reversed)
    return edges


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
    return not role or any(is_called(step.join, role) for step in path)


def is_called(join: Join, role: str) -> bool:
    """By its role, or, should it have none, by its own column."""
    return join.role == role or (
        not join.role and bool(join.columns) and join.columns[0][0] == role
    )


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
    return f"{start.title} and {target.title} are not connected."


def _no_way_hint(start: Cube, target: Cube) -> str:
    return f"Ask about {start.title} and {target.title} one at a time, or add a join to the model."
