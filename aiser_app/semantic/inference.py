"""A first semantic model from a catalog: what can be grouped, what can be aggregated, what joins."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from aiser_app.domain.catalog import (
    Catalog,
    ColumnProfile,
    KeyLink,
    TableProfile,
    name_words,
    singular,
)
from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    SemanticModel,
)
from aiser_app.domain.table_importance import choose_tables
from aiser_app.semantic.titles import (
    column_title,
    measure_title,
    plural,
    singular_title,
    table_title,
)
from aiser_app.semantic.units import unit_of

MAX_TABLES = 300
"""Cubes that a model made without anybody's help has at most."""
MIN_JOIN_SCORE = 0.6
"""Links below are not offered as joins."""

_TYPES = {
    "integer": DimensionType.NUMBER,
    "number": DimensionType.NUMBER,
    "decimal": DimensionType.NUMBER,
    "boolean": DimensionType.BOOLEAN,
    "date": DimensionType.TIME,
    "timestamp": DimensionType.TIME,
}
_KEY_NAMES = (
    "id key code pk fk uuid guid no nr num number nbr zip postcode postal phone tel tz sku isbn "
    "version seq sequence year quarter month week day hour minute second weekday dow"
)
_KEY_WORDS = frozenset(_KEY_NAMES.split())
"""A number whose name ends so names or places something; adding it up says nothing."""
_LABEL_WORDS = ("name", "title", "label")
_LABEL_SHARE = 0.9
"""A label tells rows apart: distinct values per row at least this."""
_LATE_DATES = frozenset(
    ("created", "updated", "modified", "loaded", "inserted", "synced", "deleted", "expires")
)
_NUMERIC = (Aggregation.SUM, Aggregation.AVG, Aggregation.MIN, Aggregation.MAX, Aggregation.MEDIAN)


def infer_model(
    source_id: str, catalog: Catalog, *, most_tables: int = MAX_TABLES
) -> SemanticModel:
    """One cube per table; every measure and join follows from types, names and measured facts.

    Of a database with very many tables the most important ones: what the rest holds can be queried,
    and is not asked about. `len(catalog.tables) - len(model.cubes)` tables were left out.
    """
    catalog = choose_tables(catalog, most_tables)
    names = _cube_names(catalog)
    links: defaultdict[str, list[KeyLink]] = defaultdict(list)
    for link in catalog.links:
        links[link.table].append(link)
    return SemanticModel(
        source_id=source_id,
        cubes=tuple(_cube(table, links[table.name], names) for table in catalog.tables),
    )


def _cube_names(catalog: Catalog) -> dict[str, str]:
    """Cube names have no dots; two schemas with the same table name keep theirs apart."""
    plain = {table.name: _plain_name(table.name) for table in catalog.tables}
    times = Counter(name.casefold() for name in plain.values())
    names: dict[str, str] = {}
    taken: set[str] = set()
    for full, name in plain.items():
        if times[name.casefold()] > 1:
            name = full.replace(".", "_")
        while name.casefold() in taken:  # `a_b` beside the table b of a schema a
            name = f"{name}_"
        taken.add(name.casefold())
        names[full] = name
    return names


def _plain_name(table: str) -> str:
    """Without the schema, should there be one."""
    _, dot, name = table.partition(".")
    return (name if dot else table).replace(".", "_")


def _cube(table: TableProfile, links: Sequence[KeyLink], names: dict[str, str]) -> Cube:
    key = _primary_key(table)
    timed = {
        column.name for column in table.columns if _TYPES.get(column.type) is DimensionType.TIME
    }
    referring = {own for link in links for own, _ in link.columns} - timed
    keys = {
        column.name
        for column in table.columns
        if column.name in referring or column.name in key or _is_key(column, table)
    }
    label = _label(table)
    title = table_title(table.name)
    return Cube(
        name=names[table.name],
        table=table.name,
        title=title,
        description=table.description,
        row_count=table.row_count,
        primary_key=key,
        default_time_dimension=_default_time(table),
        dimensions=tuple(
            _dimension(column, is_key=column.name in keys, is_label=column.name == label)
            for column in table.columns
        ),
        measures=_measures(table, title, keys),
        joins=_joins(links, names),
    )


def _primary_key(table: TableProfile) -> tuple[str, ...]:
    """The declared key, else the unique column that looks most like one."""
    if table.primary_key:
        return table.primary_key
    unique = [
        column
        for column in table.columns
        if column.is_unique
        and column.type in ("integer", "string")
        and name_words(column.name)[-1:] not in [(word,) for word in _LABEL_WORDS]
    ]
    found = next(
        (column for column in unique if set(name_words(column.name)) & _KEY_WORDS),
        unique[0] if unique else None,
    )
    return (found.name,) if found else ()


def _is_key(column: ColumnProfile, table: TableProfile) -> bool:
    """Identifiers, codes, parts of a date, times of day as hhmm."""
    words = name_words(column.name)
    if column.type not in ("integer", "string") or not words:
        return False
    if column.is_clock:
        return True
    if column.type == "string":
        return column.is_unique and words[-1] not in _LABEL_WORDS
    entity = singular_title(table_title(table.name)).casefold()
    return words[-1] in _KEY_WORDS or words[-1].endswith("num") or " ".join(words) == entity


def _label(table: TableProfile) -> str:
    """The column that names a row to a person; empty when none does so."""
    entity = singular("".join(name_words(table.name.rpartition(".")[2])[-1:]))
    best: tuple[int, str] | None = None
    for column in table.columns:
        words = name_words(column.name)
        if column.type != "string" or not words or words[-1] not in _LABEL_WORDS:
            continue
        if not _tells_apart(column, table):
            continue
        rank = 0 if len(words) == 1 else 1 if words[-2] == entity else 2
        best = min(best, (rank, column.name)) if best else (rank, column.name)
    return best[1] if best else ""


def _tells_apart(column: ColumnProfile, table: TableProfile) -> bool:
    if column.distinct_count is None:
        return True
    return column.distinct_count >= _LABEL_SHARE * table.row_count * (1 - column.null_fraction)


def _dimension(column: ColumnProfile, *, is_key: bool, is_label: bool) -> Dimension:
    kind = _TYPES.get(column.type, DimensionType.STRING)
    return Dimension(
        name=column.name,
        column=column.name,
        type=kind,
        title=column_title(column.name),
        description=column.description,
        is_key=is_key,
        is_label=is_label,
        unit=_unit(column, is_key=is_key),
        distinct_count=column.distinct_count,
        null_fraction=column.null_fraction,
        values=column.values,
        is_sampled=column.is_sampled,
        minimum=column.minimum or "",
        maximum=column.maximum or "",
    )


def _unit(column: ColumnProfile, *, is_key: bool) -> str:
    is_number = _TYPES.get(column.type) is DimensionType.NUMBER
    return unit_of(column.name, column.description) if is_number and not is_key else ""


def _measures(table: TableProfile, title: str, keys: set[str]) -> tuple[Measure, ...]:
    measures = [
        Measure(
            name=Aggregation.COUNT.value,
            aggregation=Aggregation.COUNT,
            column="",
            title=measure_title(Aggregation.COUNT, title),
            description=table.description,
        )
    ]
    for column in table.columns:
        if column.name in keys:
            measures.append(_measure(column, Aggregation.COUNT_DISTINCT))
        elif _TYPES.get(column.type) is DimensionType.NUMBER:
            measures += [_measure(column, aggregation) for aggregation in _NUMERIC]
        if column.name in keys and name_words(column.name)[-1:] == ("year",):
            measures += [_measure(column, item) for item in (Aggregation.MIN, Aggregation.MAX)]
    return tuple(measures)


def _measure(column: ColumnProfile, aggregation: Aggregation) -> Measure:
    title = column_title(column.name)
    distinct = aggregation is Aggregation.COUNT_DISTINCT
    return Measure(
        name=f"{aggregation.value}_{column.name}",
        aggregation=aggregation,
        column=column.name,
        title=measure_title(aggregation, plural(title) if distinct else title),
        description=column.description,
        unit="" if distinct else _unit(column, is_key=False),
    )


def _joins(links: Sequence[KeyLink], names: dict[str, str]) -> tuple[Join, ...]:
    parallel = Counter(link.target for link in links)
    joins = [
        Join(
            target=names[link.target],
            columns=link.columns,
            role=_role(link, is_parallel=parallel[link.target] > 1),
            score=link.score,
            source="declared" if link.declared else "inferred",
        )
        for link in links
        if link.score >= MIN_JOIN_SCORE
    ]
    return tuple(sorted(joins, key=lambda join: (join.target, join.role)))


def _role(link: KeyLink, *, is_parallel: bool) -> str:
    """What the target is to the row: `origin`, `billing`; empty when the column is just its key."""
    if len(link.columns) > 1:
        return "_".join(own for own, _ in link.columns) if is_parallel else ""
    own, other = link.columns[0]
    target = name_words(link.target.rpartition(".")[2])
    entity = {singular(word) for word in target} | set(target)
    known = entity | _KEY_WORDS | set(name_words(other))
    words = [word for word in name_words(own) if word not in known]
    if not words and is_parallel:
        return own
    return "_".join(words)


def _default_time(table: TableProfile) -> str:
    """The time at which a row happened: not when it was recorded, filled, and first in the table."""
    ranked = [
        (
            bool(set(name_words(column.name)) & _LATE_DATES),
            column.null_fraction > 0.5,
            position,
            column.name,
        )
        for position, column in enumerate(table.columns)
        if column.type in ("date", "timestamp")
    ]
    return min(ranked)[3] if ranked else ""
