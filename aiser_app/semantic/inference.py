"""A first semantic model from a catalog: what can be grouped, what can be aggregated, what joins."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

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
from aiser_app.semantic.coded_values import is_flag, value_titles
from aiser_app.semantic.measuring import is_level, with_default
from aiser_app.semantic.temporal import date_of_parts, default_time, stored_time
from aiser_app.semantic.titles import (
    ColumnTitles,
    measure_title,
    plural,
    singular_title,
    table_title,
)
from aiser_app.semantic.translations import english_synonym
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
    "version seq sequence year quarter month week day hour minute second weekday dow cd sk nbr "
    "jahr monat yr mth isin ean gtin vin"
)
_KEY_WORDS = frozenset(_KEY_NAMES.split())
"""A number whose name ends so names or places something; adding it up says nothing."""
_LABEL_WORDS = (
    "name", "title", "label", "nm", "bez", "bezeichnung", "nom", "nombre", "nome", "naam", "caption",
)  # fmt: skip
_LABEL_SHARE = 0.9
"""A label tells rows apart: distinct values per row at least this."""
_MIN_NAMED_SHARE = 0.2
"""Of the column that is named after its table: versions and variants of a thing share its name."""
_TECHNICAL_NAMES = (
    "etl dwh batch checksum hash md5 rowversion rowid ingested loaded synced fivetran airbyte dbt "
    "xmin ctid"
)
_TECHNICAL = frozenset(_TECHNICAL_NAMES.split())
"""Words of columns that keep a pipeline running."""
_AUDIT = frozenset(("created", "updated", "modified", "inserted"))
_BRIDGE_LINKS = 2
_PRIVATE_LABELS = frozenset(("email", "mail", "phone", "iban", "url", "path", "token", "hash"))
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
    times = _times(table)
    referring = {own for link in links for own, _ in link.columns} - times
    keys = {
        column.name
        for column in table.columns
        if column.name in referring or column.name in key or _is_key(column, table)
    } - times
    title = table_title(table.name)
    titles = ColumnTitles(table)
    label = _label(table, key)
    dimensions = [
        _dimension(column, titles, is_key=column.name in keys, is_label=column.name == label)
        for column in table.columns
    ]
    made = date_of_parts(table)
    measures = _measures(table, title, titles, keys, times)
    is_fact = bool(links)
    return Cube(
        name=names[table.name],
        table=table.name,
        title=title,
        description=table.description,
        row_count=table.row_count,
        primary_key=key,
        default_time_dimension=default_time([*dimensions, *([made] if made else [])]),
        dimensions=(*dimensions, *([made] if made else [])),
        measures=with_default(measures) if is_fact else measures,
        joins=_joins(links, names),
        is_hidden=_is_bridge(table, referring),
    )


def _times(table: TableProfile) -> set[str]:
    return {
        column.name
        for column in table.columns
        if _TYPES.get(column.type) is DimensionType.TIME or stored_time(column) is not None
    }


def _is_bridge(table: TableProfile, referring: set[str]) -> bool:
    """Whether its rows only say that two things belong together."""
    rest = [
        column
        for column in table.columns
        if column.name not in referring
        and not column.is_unique
        and not set(name_words(column.name)) & (_TECHNICAL | _AUDIT)
    ]
    return len(referring) >= _BRIDGE_LINKS and not rest


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
    if column.type not in ("integer", "string") or not words or value_titles(column):
        return False
    if column.is_clock:
        return True
    if column.type == "string":
        return column.is_unique and words[-1] not in _LABEL_WORDS
    entity = singular_title(table_title(table.name)).casefold()
    return (
        words[-1] in _KEY_WORDS or words[-1].endswith(("num", "jahr")) or " ".join(words) == entity
    )


def _label(table: TableProfile, key: tuple[str, ...]) -> str:
    """The column that names a row to a person; empty when none does so."""
    entity = singular("".join(name_words(table.name.rpartition(".")[2])[-1:]))
    best: tuple[int, str] | None = None
    for column in table.columns:
        words = name_words(column.name)
        if column.type != "string" or not words or words[-1] not in _LABEL_WORDS:
            continue
        is_named = len(words) > 1 and words[-2] == entity
        if not _tells_apart(column, table, _MIN_NAMED_SHARE if is_named else _LABEL_SHARE):
            continue
        rank = 0 if len(words) == 1 else 1 if is_named else 2
        best = min(best, (rank, column.name)) if best else (rank, column.name)
    return best[1] if best else _readable_key(table, key)


def _readable_key(table: TableProfile, key: tuple[str, ...]) -> str:
    """Beside a number that means nothing: the only text that is unique."""
    columns = [table.find_column(name) for name in key]
    if len(columns) != 1 or columns[0] is None or columns[0].type != "integer":
        return ""
    unique = [
        column.name
        for column in table.columns
        if column.type == "string"
        and column.is_unique
        and not set(name_words(column.name)) & _PRIVATE_LABELS
    ]
    return unique[0] if len(unique) == 1 else ""


def _tells_apart(column: ColumnProfile, table: TableProfile, share: float) -> bool:
    if column.distinct_count is None:
        return True
    return column.distinct_count >= share * table.row_count * (1 - column.null_fraction)


def _dimension(
    column: ColumnProfile, titles: ColumnTitles, *, is_key: bool, is_label: bool
) -> Dimension:
    time = stored_time(column)
    title = titles.of(column.name)
    english = english_synonym(column.name, title)
    dimension = Dimension(
        name=column.name,
        column=column.name,
        type=_TYPES.get(column.type, DimensionType.STRING),
        title=title,
        synonyms=(english,) if english else (),
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
        value_titles=value_titles(column),
        is_hidden=bool(set(name_words(column.name)) & _TECHNICAL),
    )
    if time is None:
        return dimension
    return replace(
        dimension,
        type=DimensionType.TIME,
        text_format=time.text_format,
        minimum=time.minimum,
        maximum=time.maximum,
        values=(),
        unit="",
    )


def _unit(column: ColumnProfile, *, is_key: bool) -> str:
    is_number = _TYPES.get(column.type) is DimensionType.NUMBER
    return unit_of(column.name, column.description) if is_number and not is_key else ""


def _measures(
    table: TableProfile, title: str, titles: ColumnTitles, keys: set[str], times: set[str]
) -> tuple[Measure, ...]:
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
        if column.name in times:
            continue
        if column.name in keys:
            chosen: tuple[Aggregation, ...] = (Aggregation.COUNT_DISTINCT,)
            if name_words(column.name)[-1:] == ("year",):
                chosen += (Aggregation.MIN, Aggregation.MAX)
        elif _TYPES.get(column.type) is DimensionType.NUMBER:
            chosen = (Aggregation.SUM, Aggregation.AVG) if is_flag(column) else _NUMERIC
        else:
            continue
        measures += _measures_of(column, titles.of(column.name), chosen)
    return tuple(measures)


def _measures_of(
    column: ColumnProfile, title: str, chosen: Sequence[Aggregation]
) -> Iterator[Measure]:
    unit, is_high = _unit(column, is_key=False), is_level(column.name)
    for aggregation in chosen:
        distinct = aggregation is Aggregation.COUNT_DISTINCT
        yield Measure(
            name=f"{aggregation.value}_{column.name}",
            aggregation=aggregation,
            column=column.name,
            title=measure_title(aggregation, plural(title) if distinct else title),
            description=column.description,
            unit="" if distinct else unit,
            is_hidden=aggregation is Aggregation.SUM and is_high,
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
