"""RowReader that have related rows, or have none.

The related rows are read once, as a derived table of the keys that they refer to, and joined from the
left: where nothing was found, there is nothing related. So the condition may stand anywhere, also
within OR and inside an aggregate, and no database has to run a query for every row.
"""

from __future__ import annotations

from sqlglot import exp

from aiser_app.domain.semantic_query import Condition, Existence
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.conditions import opposite
from aiser_app.semantic.identifiers import column, identifier
from aiser_app.semantic.join_graph import Path, find_paths, get_path, get_way
from aiser_app.semantic.row_reader import RowReader
from aiser_app.semantic.scope import Scope


def exists(rows: RowReader, item: Existence) -> exp.Expr:
    """The condition of an `Existence`.

    Raises:
        QueryInvalid: the cubes are not connected, or in several ways.
    """
    if item.at_least < 1:
        raise QueryInvalid("At least one related row is needed; negate for none.")
    way = _way(rows, item)
    if not way:
        return _itself(rows, item)
    found = has_some(rows, way, item.conditions, item.at_least)
    return opposite(found) if item.is_negated else found


def _itself(rows: RowReader, item: Existence) -> exp.Expr:
    """Where a cube has no join to itself, its row is the only one that is related to the row."""
    if item.at_least > 1:
        return exp.true() if item.is_negated else exp.false()
    found = rows.conditions(item.conditions)
    holds = exp.and_(*found) if found else exp.true()
    return opposite(holds) if item.is_negated else holds


def _way(rows: RowReader, item: Existence) -> Path:
    """From the rows of the SELECT to the related ones, over `of`."""
    model, words, start = rows.build.model, rows.words, rows.scope.cube
    far = words.cube(item.cube)
    middle = words.cube(item.of) if item.of else start
    first: Path = ()
    if middle.name != start.name:
        with_role = find_paths(model, start.name, middle.name, item.role)
        role = item.role if item.role and with_role else ""
        first = get_path(model, start, middle, role)
        left = "" if role else item.role
    else:
        left = item.role
    if far.name == middle.name and all(join.target != far.name for join in far.joins):
        return first
    if find_paths(model, middle.name, far.name) and far.name != middle.name:
        return (*first, *get_path(model, middle, far, left))
    return (*first, *get_way(model, middle, far, left))


def has_some(
    rows: RowReader, way: Path, conditions: tuple[Condition, ...], at_least: int = 1
) -> exp.Expr:
    """Whether at the end of `way` there are `at_least` rows that fulfil all conditions."""
    key = (way, conditions, at_least)
    found = rows.scope.find_attached(key) or _attach(rows, way, conditions, at_least, key)
    return exp.not_(exp.Is(this=found, expression=exp.Null()))


def _attach(
    rows: RowReader, way: Path, conditions: tuple[Condition, ...], at_least: int, key: object
) -> exp.Expr:
    """The way begins with what is joined to the row; the rest is in the derived table."""
    ups = [number for number, step in enumerate(way) if step.is_up]
    cut = ups[0] if ups else len(way) - 1
    near = rows.scope.place(way[:cut])
    first, rest = way[cut], way[cut + 1 :]
    rows.scope.note(first)
    spent = frozenset(step.join.role for step in way if step.join.role)
    inside = Scope(rows.build, rows.words.cube(way[-1].end), spent)
    meeting = inside.chain(tuple(step.reversed for step in reversed(rest)))
    inner = rows.within(inside)
    wheres = inner.conditions(conditions)
    names = [f"key_{number}" for number in range(len(first.pairs))]
    keys = [column(other, meeting) for _, other in first.pairs]
    select = exp.select(
        *(exp.alias_(item, identifier(name)) for item, name in zip(keys, names, strict=True))
    )
    comes_once = not any(not step.is_up for step in rest)
    if at_least > 1 and not comes_once:
        own = [column(name, inside.alias) for name in inside.key_columns()]
        select = select.select(*(exp.alias_(k, f"own_{n}") for n, k in enumerate(own)), copy=False)
    select = inside.add_to(select)
    for item in (*wheres, *(exp.not_(exp.Is(this=k.copy(), expression=exp.Null())) for k in keys)):
        select = select.where(item, copy=False)
    derived = _of_keys(select, names, at_least, comes_once=comes_once)
    pairs = tuple(
        (column(own, near), name) for (own, _), name in zip(first.pairs, names, strict=True)
    )
    return rows.scope.attach(key, f"having_{inside.cube.name}", derived, pairs)


def _of_keys(
    select: exp.Select, names: list[str], at_least: int, *, comes_once: bool
) -> exp.Select:
    """Each key once, as long as it comes often enough."""
    if at_least == 1:
        return select.distinct(copy=False)
    if not comes_once:
        select = exp.select(*(column(name) for name in names)).from_(
            select.distinct(copy=False).subquery("related")
        )
    keys = [
        item.this.copy() if isinstance(item, exp.Alias) else item.copy()
        for item in select.expressions
    ]
    often = exp.GTE(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(at_least))
    return select.group_by(*keys, copy=False).having(often, copy=False)
