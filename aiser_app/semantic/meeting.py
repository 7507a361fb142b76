"""The cube whose rows are listed or grouped where nothing is counted."""

from __future__ import annotations

from collections.abc import Iterable

from aiser_app.domain.semantic_model import Cube, SemanticModel
from aiser_app.domain.semantic_query import ColumnTerm
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.join_graph import find_paths
from aiser_app.semantic.keys import Key
from aiser_app.semantic.scope import Build


def meeting_cube(build: Build, keys: Iterable[Key]) -> Cube:
    """The nearest cube that reaches all: one of those of the keys, else one that refers to them.

    Raises:
        QueryInvalid: there is none, or there are two.
    """
    terms = [
        term
        for key in keys
        for term in build.words.columns(ColumnTerm(member=key.member, role=key.role))
    ]
    if not terms:
        raise QueryInvalid(
            "Nothing of the query says of which rows it is.", hint="Add a dimension or a measure."
        )
    used = {cube.name: cube for term in terms for cube in (build.words.dimension(term.member)[0],)}
    if len(used) == 1 and not any(term.role for term in terms):
        return next(iter(used.values()))
    return _nearest(
        build.model, {(term.member.partition(".")[0], term.role) for term in terms}, used
    )


def _nearest(model: SemanticModel, needs: set[tuple[str, str]], used: dict[str, Cube]) -> Cube:
    ranked = sorted(
        (cube.name not in used, distance, cube.row_count, cube.name)
        for cube in model.cubes
        if (distance := _distance(model, cube.name, needs)) is not None
    )
    titles = " and ".join(cube.title for cube in used.values())
    if not ranked:
        raise QueryInvalid(
            f"{titles} are not connected.",
            hint="Ask about them one at a time, or add a join to the model.",
        )
    first = ranked[0]
    if first[0] and len(ranked) > 1 and ranked[1][:2] == first[:2]:
        ways = " or ".join(_title(model, item[3]) for item in ranked[:2])
        raise QueryInvalid(f"{titles} are connected through {ways}.", hint="Say which one.")
    cube = model.find_cube(first[3])
    return cube if cube is not None else next(iter(used.values()))


def _distance(model: SemanticModel, start: str, needs: set[tuple[str, str]]) -> int | None:
    total = 0
    for target, role in needs:
        if target == start and not role:
            continue
        paths = find_paths(model, start, target, role)
        if not paths:
            return None
        total += len(paths[0])
    return total


def _title(model: SemanticModel, name: str) -> str:
    cube = model.find_cube(name)
    return cube.title if cube is not None else name
