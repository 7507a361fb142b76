"""Cube's own model as ours, so that planner, pages and compiler speak of the same members.

What Cube does not know of the data (values, smallest and largest ones, counts, labels) comes from what
a sync has measured, where a member is a plain column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    Segment,
    SemanticModel,
)
from aiser_app.query.cube.definitions import (
    column_of,
    expression_of,
    join_pairs,
    plain_table,
    text_of,
)
from aiser_app.query.cube.failures import unreadable

MAX_CUBES = 2_000
MAX_MEMBERS = 2_000
"""Of one cube."""
MAX_TEXT = 2_000
_AGGREGATIONS = {
    "count": Aggregation.COUNT,
    "countDistinct": Aggregation.COUNT_DISTINCT,
    "sum": Aggregation.SUM,
    "avg": Aggregation.AVG,
    "min": Aggregation.MIN,
    "max": Aggregation.MAX,
    "number": Aggregation.NUMBER,
}
_TYPES = {kind.value: kind for kind in DimensionType}
_MANY_TO_ONE = frozenset({"belongsTo", "many_to_one", "hasOne", "one_to_one"})
_ONE_TO_MANY = frozenset({"hasMany", "one_to_many"})

FindTable = Callable[[Mapping[str, Any]], str]
"""The table of a cube that does not show it, as the catalog names it; empty when unknown."""
NamesHidden = Callable[[str], bool]
"""Whether a SELECT reads a table that is hidden from the agent, or cannot be read itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CubeModel:
    """`only_in_cube` are members that our compiler cannot compute; `left_out` names of cubes."""

    model: SemanticModel
    only_in_cube: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What a sync knows besides: the model inferred from the catalog, and hidden tables."""

    inferred: SemanticModel
    find_table: FindTable
    reads_hidden: NamesHidden
    has_hidden: bool

    def of_table(self, table: str) -> Cube | None:
        return next((cube for cube in self.inferred.cubes if table and cube.table == table), None)


def model_of_meta(meta: Mapping[str, Any], known: Known) -> CubeModel:
    """The model of an answer of `/meta?extended`.

    Cubes over tables that are hidden from the agent are left out, and so are those of which that
    cannot be told while something is hidden.

    Raises:
        CubeFailed: it is not what `/meta` says.
    """
    items = meta.get("cubes")
    if not isinstance(items, list) or not all(map(_is_cube, items)):
        raise unreadable()
    cubes: list[Cube] = []
    left_out: list[str] = []
    for item in items[:MAX_CUBES]:
        cube = _cube(item, known)
        if cube is None or _repeats(item, cubes):
            left_out.append(str(item["name"]))
        else:
            cubes.append(cube)
    joined = _joined(cubes, {str(item["name"]): item for item in items}, known)
    model = replace(known.inferred, cubes=tuple(joined))
    return CubeModel(model=model, only_in_cube=tuple(_undefined(model)), left_out=tuple(left_out))


def _is_cube(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("name"), str)
        and all(
            isinstance(item.get(part, []), list) and all(map(_is_member, item.get(part, [])))
            for part in ("measures", "dimensions", "segments")
        )
    )


def _is_member(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("name"), str)


def _repeats(item: Mapping[str, Any], cubes: Sequence[Cube]) -> bool:
    """A view over cubes that are shown themselves would name everything twice."""
    if item.get("type") != "view":
        return False
    shown = {f"{cube.name}.{item.name}" for cube in cubes for item in cube.measures}
    shown |= {f"{cube.name}.{item.name}" for cube in cubes for item in cube.dimensions}
    members = [*item.get("measures", ()), *item.get("dimensions", ())]
    return all(member.get("aliasMember") in shown for member in members)


def _cube(item: Mapping[str, Any], known: Known) -> Cube | None:
    """None for what may not be shown."""
    table, sql = _place(item, known)
    if known.has_hidden and not _is_shown(item, table, sql, known):
        return None
    measured = known.of_table(table)
    name = str(item["name"])
    is_computable = bool(table or sql)
    dimensions = tuple(
        _dimension(member, measured, is_computable) for member in _members(item, "dimensions")
    )
    return Cube(
        name=name,
        table=table,
        sql=sql,
        title=_title(item, name),
        description=_text(item, "description"),
        row_count=measured.row_count if measured else 0,
        primary_key=measured.primary_key if measured else (),
        default_time_dimension=_default_time(dimensions, measured),
        dimensions=dimensions,
        measures=tuple(_measure(member, is_computable) for member in _members(item, "measures")),
        segments=tuple(_segment(member) for member in _members(item, "segments")),
        synonyms=_synonyms(item),
    )


def _place(item: Mapping[str, Any], known: Known) -> tuple[str, str]:
    """(table, SELECT) of the rows of a cube: one of them, or none where only Cube knows."""
    if item.get("type") == "view":
        return "", ""
    written = plain_table(item.get("sql"))
    if not written and text_of(item.get("sql")):
        select = expression_of(item.get("sql"))
        return "", select if "{" not in select else ""
    return known.find_table(item), ""


def _is_shown(item: Mapping[str, Any], table: str, sql: str, known: Known) -> bool:
    if table:
        return known.of_table(table) is not None
    return bool(sql) and item.get("type") != "view" and not known.reads_hidden(sql)


def _members(item: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    return list(item.get(part, ()))[:MAX_MEMBERS]


def _dimension(item: Mapping[str, Any], measured: Cube | None, is_computable: bool) -> Dimension:
    name = _short(item)
    column = column_of(item.get("sql")) if is_computable else ""
    fact = (
        next((d for d in measured.dimensions if column and d.column == column), None)
        if measured
        else None
    )
    kind = _TYPES.get(str(item.get("type")), DimensionType.STRING)
    found = Dimension(
        name=name,
        column=column,
        sql="" if column or not is_computable or "case" in item else expression_of(item.get("sql")),
        type=kind,
        title=_title(item, name),
        description=_text(item, "description"),
        is_key=item.get("primaryKey") is True or (fact is not None and fact.is_key),
        unit=_unit(item),
        synonyms=_synonyms(item),
    )
    if fact is None or fact.type is not kind:
        return found
    return replace(
        found,
        unit=found.unit or fact.unit,
        description=found.description or fact.description,
        is_label=fact.is_label,
        distinct_count=fact.distinct_count,
        null_fraction=fact.null_fraction,
        values=fact.values,
        is_sampled=fact.is_sampled,
        minimum=fact.minimum,
        maximum=fact.maximum,
        value_titles=fact.value_titles,
    )


def _measure(item: Mapping[str, Any], is_computable: bool) -> Measure:
    name = _short(item)
    aggregation = _AGGREGATIONS.get(str(item.get("aggType")))
    filters = [expression_of(part.get("sql")) for part in item.get("filters", ()) if _is_dict(part)]
    column = column_of(item.get("sql"))
    sql = "" if column else expression_of(item.get("sql"))
    is_lost = bool(item.get("sql")) and not (column or sql)
    if (
        aggregation is None
        or is_lost
        or item.get("cumulative") is True
        or not is_computable
        or not all(filters)
    ):
        aggregation, column, sql, filters = Aggregation.NUMBER, "", "", []
    return Measure(
        name=name,
        aggregation=aggregation,
        column=column,
        sql=sql,
        filters=tuple(filters),
        title=_title(item, name),
        description=_text(item, "description"),
        unit=_unit(item),
        synonyms=_synonyms(item),
    )


def _segment(item: Mapping[str, Any]) -> Segment:
    name = _short(item)
    return Segment(
        name=name,
        sql=expression_of(item.get("sql")),
        title=_title(item, name),
        description=_text(item, "description"),
        synonyms=_synonyms(item),
    )


def _joined(
    cubes: Sequence[Cube], items: Mapping[str, Mapping[str, Any]], known: Known
) -> list[Cube]:
    """With the joins of Cube, many-to-one ones at the cube that has many."""
    by_name = {cube.name: cube for cube in cubes}
    joins: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], Join]] = {n: {} for n in by_name}
    for name, cube in by_name.items():
        for item in items[name].get("joins", ()):
            target = by_name.get(str(item.get("name"))) if _is_dict(item) else None
            relation = str(item.get("relationship")) if target is not None else ""
            columns = _columns(item, cube, target, known) if target is not None else ()
            if target is None or not columns:
                continue
            if relation in _MANY_TO_ONE:
                owner, other = name, target.name
            elif relation in _ONE_TO_MANY:
                owner, other = target.name, name
                columns = tuple((theirs, own) for own, theirs in columns)
            else:
                continue
            join = Join(target=other, columns=columns, source="declared")
            joins[owner].setdefault((other, columns), join)
    return [replace(cube, joins=tuple(joins[cube.name].values())) for cube in cubes]


def _columns(
    item: Mapping[str, Any], cube: Cube, target: Cube, known: Known
) -> tuple[tuple[str, str], ...]:
    """Pairs of columns; none when the condition is more than equality, or a column is unknown."""
    found = []
    for own, own_is_member, other, other_is_member in join_pairs(
        item.get("sql"), cube.name, target.name
    ):
        pair = (
            _column(cube, own, own_is_member, known),
            _column(target, other, other_is_member, known),
        )
        if not all(pair):
            return ()
        found.append(pair)
    return tuple(found)


def _column(cube: Cube, name: str, is_member: bool, known: Known) -> str:
    """Keys are seldom public members: then a column of that name in the table is meant."""
    if not is_member:
        return name
    dimension = cube.find_dimension(name)
    if dimension is not None:
        return dimension.column
    measured = known.of_table(cube.table)
    has = measured is not None and any(d.column == name for d in measured.dimensions)
    return name if has else ""


def _undefined(model: SemanticModel) -> list[str]:
    found = []
    for cube in model.cubes:
        found += [f"{cube.name}.{d.name}" for d in cube.dimensions if not (d.column or d.sql)]
        found += [
            f"{cube.name}.{m.name}"
            for m in cube.measures
            if not (m.column or m.sql) and m.aggregation is not Aggregation.COUNT
        ]
    return found


def _default_time(dimensions: Sequence[Dimension], measured: Cube | None) -> str:
    times = [d for d in dimensions if d.type is DimensionType.TIME]
    wanted = measured.find_dimension(measured.default_time_dimension) if measured else None
    for dimension in times:
        if wanted is not None and dimension.column == wanted.column:
            return dimension.name
    return times[0].name if times else ""


def _short(item: Mapping[str, Any]) -> str:
    return str(item["name"]).rpartition(".")[2]


def _title(item: Mapping[str, Any], name: str) -> str:
    found = item.get("shortTitle") or item.get("title") or name
    return str(found)[:MAX_TEXT]


def _text(item: Mapping[str, Any], key: str) -> str:
    found = item.get(key)
    return found[:MAX_TEXT] if isinstance(found, str) else ""


def _synonyms(item: Mapping[str, Any]) -> tuple[str, ...]:
    found = _meta(item).get("synonyms")
    if not isinstance(found, list):
        return ()
    return tuple(str(word)[:200] for word in found[:100] if isinstance(word, str))


def _unit(item: Mapping[str, Any]) -> str:
    found = _meta(item).get("unit")
    return found[:40] if isinstance(found, str) else ""


def _meta(item: Mapping[str, Any]) -> Mapping[str, Any]:
    found = item.get("meta")
    return found if isinstance(found, dict) else {}


def _is_dict(item: Any) -> bool:
    return isinstance(item, dict)
