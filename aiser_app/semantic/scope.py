"""The tables of one SELECT: the cube whose rows it is about, and what hangs on it.

Tables are joined with LEFT JOIN: a row whose partner is missing stays, with NULL as its group. Two
roles that lead to one cube get one alias each.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from aiser_app.domain.semantic_model import Cube, SemanticModel
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.errors import QueryInvalid
from aiser_app.semantic import authored
from aiser_app.semantic.identifiers import column, identifier, table
from aiser_app.semantic.join_graph import Path, Step, find_paths, get_path, get_way
from aiser_app.semantic.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Build:
    """What all parts of one compilation share."""

    query: SemanticQuery
    model: SemanticModel
    dialect: str
    words: Vocabulary
    notes: dict[str, None] = field(default_factory=dict)
    tables: dict[str, None] = field(default_factory=dict)
    steps: dict[str, exp.Query] = field(default_factory=dict)
    """WITH queries, in order."""

    def add_step(self, name: str, select: exp.Query) -> str:
        """Keeps a WITH query; its name is no table's."""
        taken = {cube.table.rpartition(".")[2].lower() for cube in self.model.cubes}
        taken |= {cube.name.lower() for cube in self.model.cubes} | set(self.steps)
        free, count = name, 1
        while free.lower() in taken:
            count += 1
            free = f"{name}_{count}"
        self.steps[free] = select
        return free

    def relation(self, cube: Cube, alias: str) -> exp.Table | exp.Subquery:
        """The cube's table, or the SELECT that stands for it."""
        if not cube.sql:
            self.tables[cube.table] = None
            return table(cube.table, alias)
        select = authored.query(cube.sql, dialect=self.dialect, what=f"“{cube.title}”")
        self.tables.update(dict.fromkeys(authored.tables(select)))
        return select.subquery(exp.TableAlias(this=identifier(alias)))


@dataclass(frozen=True, slots=True)
class _Source:
    relation: exp.Expr
    on: exp.Expr | None = None
    kind: str = ""


class Scope:
    """`cube` is where ways begin.

    `spent` are roles that led here, and need not be passed again. With `has_own_roles` a role that
    another table has, and this one lacks, is not asked of it.
    """

    def __init__(
        self,
        build: Build,
        cube: Cube,
        spent: frozenset[str] = frozenset(),
        *,
        has_own_roles: bool = False,
    ) -> None:
        self.build = build
        self.cube = cube
        self.alias = cube.name
        self._spent = spent
        self._has_own_roles = has_own_roles
        self._aliases: dict[Path, str] = {(): cube.name}
        self._taken = {cube.name}
        self._sources = [_Source(build.relation(cube, cube.name))]
        self._kept: dict[object, exp.Expr] = {}

    @property
    def is_fanned(self) -> bool:
        """Whether rows of the cube come several times."""
        return any(step.is_up for path in self._aliases for step in path)

    def locate(self, cube: Cube, role: str = "") -> Path:
        """The way to `cube`: many-to-one if there is one, else as already joined, else the shortest.

        Raises:
            QueryInvalid: there is none, or more than one.
        """
        role = self._needed(cube, role)
        if cube.name == self.cube.name and not role:
            return ()
        if find_paths(self.build.model, self.cube.name, cube.name):
            return get_path(self.build.model, self.cube, cube, role)
        for path in self._aliases:
            if any(step.is_up for step in path):
                further = self._further(path, cube, role)
                if further is not None:
                    return (*path, *further)
        return get_way(self.build.model, self.cube, cube, role)

    def _needed(self, cube: Cube, role: str) -> str:
        """A role counts as passed when it led here, unless there is another way with it."""
        model, start = self.build.model, self.cube.name
        if not role or find_paths(model, start, cube.name, role):
            return role
        if role in self._spent:
            return ""
        is_of_others = self._has_own_roles and bool(find_paths(model, start, cube.name))
        return "" if is_of_others or (self._has_own_roles and start == cube.name) else role

    def _further(self, path: Path, cube: Cube, role: str) -> Path | None:
        """From the end of a joined way on, where that is clear."""
        end = path[-1].end
        left = "" if any(step.join.role == role for step in path) else role
        if end == cube.name and not left:
            return ()
        found = find_paths(self.build.model, end, cube.name, left)
        return found[0] if len(found) == 1 else None

    def is_joined(self, path: Path) -> bool:
        """Whether the rows of a way's last one-to-many step are part of this SELECT."""
        return up_part(path) in self._aliases

    def place(self, path: Path) -> str:
        """The alias of the way's end, joined if it was not yet."""
        for length in range(1, len(path) + 1):
            part = path[:length]
            if part not in self._aliases:
                self._join(part)
        return self._aliases[path]

    def _join(self, path: Path) -> None:
        step, start = path[-1], self._aliases[path[:-1]]
        alias = self._new_alias(step)
        cube = self.build.words.cube(step.end)
        self._aliases[path] = alias
        on = equal(step.pairs, start, alias)
        self._sources.append(_Source(self.build.relation(cube, alias), on, "left"))
        self.note(step)

    def chain(self, steps: Path) -> str:
        """Joins the steps one after the other, keeping rows that have all; the last one's alias."""
        alias = self.alias
        for step in steps:
            start, alias = alias, self._new_alias(step)
            cube = self.build.words.cube(step.end)
            on = equal(step.pairs, start, alias)
            self._sources.append(_Source(self.build.relation(cube, alias), on, "inner"))
        return alias

    def attach(
        self, key: object, name: str, relation: exp.Query, pairs: tuple[tuple[exp.Expr, str], ...]
    ) -> exp.Expr:
        """Left-joins a derived table whose rows the values of `pairs` find at most once.

        Returns the column that is filled where they found one.
        """
        alias = self._free(name)
        on = exp.and_(
            *(exp.EQ(this=value, expression=column(other, alias)) for value, other in pairs)
        )
        derived = relation.subquery(exp.TableAlias(this=identifier(alias)))
        self._sources.append(_Source(derived, on, "left"))
        self._kept[key] = column(pairs[0][1], alias)
        return column(pairs[0][1], alias)

    def find_attached(self, key: object) -> exp.Expr | None:
        """The column that is filled where a derived table found something."""
        found = self._kept.get(key)
        return found.copy() if found is not None else None

    def cross(self, name: str, relation: exp.Query) -> str:
        """Every row with every row of a derived table."""
        alias = self._free(name)
        derived = relation.subquery(exp.TableAlias(this=identifier(alias)))
        self._sources.append(_Source(derived, None, "cross"))
        return alias

    def add_to(self, select: exp.Select) -> exp.Select:
        """`select` with FROM and joins."""
        first, *rest = self._sources
        select = select.from_(first.relation, copy=False)
        for item in rest:
            select = select.join(item.relation, on=item.on, join_type=item.kind, copy=False)
        return select

    def key_columns(self) -> tuple[str, ...]:
        """Columns that tell rows of the cube apart.

        Raises:
            QueryInvalid: none are known.
        """
        if self.cube.primary_key:
            return self.cube.primary_key
        for cube in self.build.model.cubes:
            for join in cube.joins:
                if join.target == self.cube.name:
                    return tuple(other for _, other in join.columns)
        raise QueryInvalid(
            f"Rows of {self.cube.title} would count several times, and have no key to tell them apart.",
            hint="Set the primary key of the cube in the semantic model.",
        )

    def _new_alias(self, step: Step) -> str:
        alias = step.end
        if alias in self._taken:
            alias = f"{step.end}_{step.join.role or step.join.columns[0][0]}"
        while alias in self._taken:
            alias = f"{step.start}_{alias}"
        self._taken.add(alias)
        return alias

    def _free(self, name: str) -> str:
        alias, count = name, 1
        while alias in self._taken:
            count += 1
            alias = f"{name}_{count}"
        self._taken.add(alias)
        return alias

    def note(self, step: Step) -> None:
        """Says when a join is a guess."""
        if step.join.source == "declared":
            return
        owner = self.build.words.cube(step.owner)
        target = self.build.words.cube(step.join.target)
        columns = ", ".join(own for own, _ in step.join.columns)
        text = f"“{owner.title}” joined to “{target.title}” by {columns}, inferred from the data."
        self.build.notes[text] = None


def equal(pairs: tuple[tuple[str, str], ...], left: str, right: str) -> exp.Expr:
    """The condition of a join."""
    return exp.and_(
        *(exp.EQ(this=column(own, left), expression=column(other, right)) for own, other in pairs)
    )


def up_part(path: Path) -> Path:
    """The way as far as its last one-to-many step."""
    ups = [number for number, step in enumerate(path, start=1) if step.is_up]
    return path[: ups[-1]] if ups else ()
