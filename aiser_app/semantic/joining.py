"""The FROM clause: which cube is the fact, and how the others hang on it."""

from __future__ import annotations

from sqlglot import exp

from aiser_app.domain.semantic_model import Cube, SemanticModel
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.identifiers import column, table
from aiser_app.semantic.join_graph import Path, Step, find_paths, get_path
from aiser_app.semantic.members import Member, Members


class Joining:
    """Chooses the fact and gives every member's table an alias.

    Tables are joined with LEFT JOIN: a row of the fact whose partner is missing stays, with NULL
    as its group. Two roles that lead to one cube get one alias each.
    """

    def __init__(self, model: SemanticModel, members: Members) -> None:
        """Choose the fact and the ways from it.

        Raises:
            QueryInvalid: there is no cube from which everything is reachable without fan-out.
        """
        self._model = model
        self._fact = _fact(model, members)
        self._aliases: dict[Path, str] = {(): self._fact.name}
        self._paths: dict[tuple[str, str], Path] = {}
        self._notes: dict[str, None] = {}
        for member in members.used:
            self._add(member)

    @property
    def tables(self) -> tuple[str, ...]:
        cubes = [self._fact, *(self._cube(path[-1].join.target) for path in self._aliases if path)]
        return tuple(dict.fromkeys(cube.table for cube in cubes))

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    def column(self, member: Member) -> exp.Column | None:
        """The member's column under its table's alias; None for the row count."""
        if not member.source_column:
            return None
        alias = self._aliases[self._paths[member.cube.name, member.role]]
        return column(member.source_column, alias)

    def add_to(self, select: exp.Select) -> exp.Select:
        """`select` with FROM and joins."""
        select = select.from_(table(self._fact.table, self._fact.name), copy=False)
        for path, alias in self._aliases.items():
            if path:
                step = path[-1]
                select = select.join(
                    table(self._cube(step.join.target).table, alias),
                    on=_on(step, self._aliases[path[:-1]], alias),
                    join_type="left",
                    copy=False,
                )
        return select

    def _add(self, member: Member) -> None:
        path = get_path(self._model, self._fact, member.cube, member.role)
        self._paths[member.cube.name, member.role] = path
        for length in range(1, len(path) + 1):
            part = path[:length]
            if part not in self._aliases:
                self._aliases[part] = self._new_alias(part)
                self._note(part[-1])

    def _new_alias(self, path: Path) -> str:
        join = path[-1].join
        alias = join.target
        if alias in self._aliases.values():
            alias = f"{join.target}_{join.role or join.columns[0][0]}"
        while alias in self._aliases.values():
            alias = f"{path[-1].owner}_{alias}"
        return alias

    def _note(self, step: Step) -> None:
        if step.join.source == "declared":
            return
        owner, target = self._cube(step.owner), self._cube(step.join.target)
        columns = ", ".join(own for own, _ in step.join.columns)
        note = f"“{owner.title}” joined to “{target.title}” by {columns}, inferred from the data."
        self._notes[note] = None

    def _cube(self, name: str) -> Cube:
        cube = self._model.find_cube(name)
        if cube is None:
            raise QueryInvalid(f"The model has a join to “{name[:80]}”, which it does not have.")
        return cube


def _fact(model: SemanticModel, members: Members) -> Cube:
    """The cube whose rows are aggregated; without measures, the nearest one that reaches all."""
    owners = {member.cube.name for member in members.used if member.measure is not None}
    if len(owners) > 1:
        titles = " and ".join(sorted(_cube_title(model, name) for name in owners))
        raise QueryInvalid(
            f"Measures of {titles} cannot be combined in one query.",
            hint="Ask for them one at a time.",
        )
    used = {member.cube.name: member.cube for member in members.used}
    if owners:
        return used[owners.pop()]
    if len(used) == 1:
        return next(iter(used.values()))
    return _meeting_cube(model, members, used)


def _meeting_cube(model: SemanticModel, members: Members, used: dict[str, Cube]) -> Cube:
    """Dimensions of several cubes: prefer one of these cubes, else one that refers to all of them."""
    needs = {(member.cube.name, member.role) for member in members.used}
    ranked = sorted(
        (distance, cube.name not in used, cube.row_count, cube.name)
        for cube in model.cubes
        if (distance := _distance(model, cube.name, needs)) is not None
    )
    ranked.sort(key=lambda item: (item[1], item[0], item[2], item[3]))
    if not ranked:
        titles = " and ".join(cube.title for cube in used.values())
        raise QueryInvalid(
            f"{titles} are not connected.",
            hint="Ask about them one at a time, or add a join to the model.",
        )
    first = ranked[0]
    if first[1] and len(ranked) > 1 and ranked[1][:2] == first[:2]:
        titles = " and ".join(cube.title for cube in used.values())
        ways = " or ".join(_cube_title(model, item[3]) for item in ranked[:2])
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


def _cube_title(model: SemanticModel, name: str) -> str:
    cube = model.find_cube(name)
    return cube.title if cube is not None else name


def _on(step: Step, left: str, right: str) -> exp.Expr:
    return exp.and_(
        *(
            exp.EQ(this=column(own, left), expression=column(other, right))
            for own, other in step.join.columns
        )
    )
