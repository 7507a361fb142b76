"""From a semantic model to a Cube YAML file that Cube can run and that we read back without loss.

What Cube has no word for stands in `meta.aiser`. Measured facts are no part of a model that people
write, and are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import yaml

from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    Join,
    Measure,
    Segment,
    SemanticModel,
)
from aiser_app.semantic.identifiers import RESERVED

_QUOTES = {
    "mysql": "``", "bigquery": "``", "databricks": "``", "spark": "``", "clickhouse": "``",
    "tsql": "[]",
}  # fmt: skip
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_WIDTH = 110
_CURRENCIES = frozenset(("USD", "EUR", "GBP", "CHF", "JPY"))


def write_cube_file(model: SemanticModel, dialect: str) -> str:
    """`dialect` says how names are quoted that must be."""
    return _Writer(model, dialect).text()


class _Writer:
    def __init__(self, model: SemanticModel, dialect: str) -> None:
        self._model = model
        quotes = _QUOTES.get(dialect, '""')
        self._open, self._close = quotes[0], quotes[1]
        self._cubes = _safe_names([cube.name for cube in model.cubes])
        self._aliases: dict[str, Any] = {}

    def text(self) -> str:
        cubes = [self._cube(cube) for cube in self._model.cubes]
        return str(
            yaml.dump(
                {"cubes": [*cubes, *self._aliases.values()]},
                Dumper=_DUMPER,
                sort_keys=False,
                allow_unicode=True,
                width=_WIDTH,
            )
        )

    def _cube(self, cube: Cube) -> dict[str, Any]:
        names = _safe_names(
            [item.name for item in cube.dimensions] + [item.name for item in cube.measures]
        )
        names |= _safe_names([item.name for item in cube.segments])
        joins, extras = self._joins(cube)
        marked = tuple(d.column or d.name for d in cube.dimensions if self._is_primary(cube, d))
        is_said = marked == cube.primary_key
        return _filled(
            name=self._cubes[cube.name],
            sql_table=self._table(cube.table) if not cube.sql else None,
            sql=cube.sql,
            title=cube.title,
            description=cube.description,
            public=False if cube.is_hidden else None,
            meta=_meta(
                cube.synonyms,
                name=cube.name if self._cubes[cube.name] != cube.name else None,
                default_time_dimension=cube.default_time_dimension,
                primary_key=None if is_said else list(cube.primary_key),
                joins=extras,
            ),
            joins=joins,
            dimensions=[self._dimension(cube, item, names) for item in cube.dimensions],
            measures=[self._measure(cube, item, names) for item in cube.measures],
            segments=[self._segment(cube, item, names) for item in cube.segments],
        )

    def _joins(self, cube: Cube) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Cube knows one join for each pair of cubes: parallel ones lead to cubes of other names."""
        times = Counter(join.target for join in cube.joins)
        joins: list[dict[str, Any]] = []
        extras: dict[str, Any] = {}
        for join in cube.joins:
            needs_alias = times[join.target] > 1 or join.target == cube.name
            name = (
                self._alias(join, extras)
                if needs_alias
                else self._cubes.get(join.target, join.target)
            )
            conditions = " AND ".join(
                f"{{CUBE}}.{self._quoted(own)} = {{{name}}}.{self._quoted(other)}"
                for own, other in join.columns
            )
            joins.append({"name": name, "sql": conditions, "relationship": "many_to_one"})
            extras[name] = _filled(
                role=join.role, score=join.score if join.score < 1 else None, source=join.source
            )
        return joins, extras

    def _alias(self, join: Join, taken: Collection[str]) -> str:
        """Another name of the target, which other cubes may use as well."""
        base = self._cubes.get(join.target, join.target)
        role = join.role or "_".join(own for own, _ in join.columns)
        wanted = _safe(f"{base}_{role}")
        name, number = wanted, 2
        while (
            name in taken
            or name in self._cubes.values()
            or (name in self._aliases and self._aliases[name]["extends"] != base)
        ):
            name, number = f"{wanted}_{number}", number + 1
        title = f"{self._title(join.target)} ({role.replace('_', ' ')})"
        self._aliases[name] = {"name": name, "extends": base, "title": title}
        return name

    def _title(self, name: str) -> str:
        cube = self._model.find_cube(name)
        return cube.title if cube else name

    def _dimension(self, cube: Cube, item: Dimension, names: dict[str, str]) -> dict[str, Any]:
        name = names[item.name]
        parts = [f"{{CUBE}}.{self._quoted(part)}" for part in item.date_parts]
        made = f"MAKE_DATE({', '.join((*parts, '1')[:3])})" if parts else ""
        return _filled(
            name=name,
            sql=self._sql(cube, item.sql) or made or f"{{CUBE}}.{self._quoted(item.column)}",
            type=item.type.value,
            title=item.title,
            description=item.description,
            primary_key=True if self._is_primary(cube, item) else None,
            public=False if item.is_hidden else None,
            format=_format(item.unit),
            meta=_meta(
                item.synonyms,
                name=item.name if name != item.name else None,
                key=item.is_key,
                label=item.is_label or None,
                unit=item.unit,
                text_format=item.text_format,
                date_parts=list(item.date_parts),
                values=dict(item.value_titles),
            ),
        )

    @staticmethod
    def _is_primary(cube: Cube, item: Dimension) -> bool:
        return (item.column or item.name) in cube.primary_key

    def _measure(self, cube: Cube, item: Measure, names: dict[str, str]) -> dict[str, Any]:
        name = names[item.name]
        column = f"{{CUBE}}.{self._quoted(item.column)}" if item.column else ""
        sql = self._sql(cube, item.sql)
        is_median = item.aggregation is Aggregation.MEDIAN
        return _filled(
            name=name,
            sql=f"MEDIAN({column or sql})" if is_median else column or sql,
            type="number" if is_median else item.aggregation.value,
            title=item.title,
            description=item.description,
            public=False if item.is_hidden else None,
            format=_format(item.unit),
            filters=[{"sql": self._sql(cube, condition)} for condition in item.filters],
            meta=_meta(
                item.synonyms,
                name=item.name if name != item.name else None,
                default=item.is_default or None,
                unit=item.unit,
                aggregation="median" if is_median else None,
                column=item.column if is_median else None,
                sql=item.sql if is_median else None,
            ),
        )

    def _segment(self, cube: Cube, item: Segment, names: dict[str, str]) -> dict[str, Any]:
        name = names[item.name]
        return _filled(
            name=name,
            sql=self._sql(cube, item.sql),
            title=item.title,
            description=item.description,
            meta=_meta(item.synonyms, name=item.name if name != item.name else None),
        )

    def _sql(self, cube: Cube, sql: str) -> str:
        """A member that is named like its cube would be taken for the cube."""
        name = self._cubes[cube.name]
        return sql.replace(f"{{{name}}}", f"{{CUBE.{name}}}")

    def _table(self, name: str) -> str:
        schema, dot, table = name.partition(".")
        return f"{self._quoted(schema)}.{self._quoted(table)}" if dot else self._quoted(name)

    def _quoted(self, name: str) -> str:
        if _PLAIN.fullmatch(name) and name not in RESERVED:
            return name
        return f"{self._open}{name.replace(self._close, self._close * 2)}{self._close}"


def _format(unit: str) -> str | None:
    if unit == "%":
        return "percent"
    return "currency" if unit in _CURRENCIES else None


def _safe(name: str) -> str:
    """Cube's names are letters, digits and underscores, and begin with a letter."""
    cleaned = re.sub(r"\W", "_", name, flags=re.ASCII)
    return cleaned if _SAFE.fullmatch(cleaned) else f"c_{cleaned}"


def _safe_names(names: Sequence[str]) -> dict[str, str]:
    """A name for each, the own one wherever it can be."""
    found = {name: name for name in names if _SAFE.fullmatch(name)}
    taken = set(found)
    for name in names:
        if name in found:
            continue
        wanted = chosen = _safe(name)
        number = 2
        while chosen in taken:
            chosen, number = f"{wanted}_{number}", number + 1
        found[name] = chosen
        taken.add(chosen)
    return found


def _meta(synonyms: Sequence[str], **extras: Any) -> dict[str, Any] | None:
    return _filled(synonyms=list(synonyms), aiser=_filled(**extras)) or None


def _filled(**entries: Any) -> dict[str, Any]:
    """Without what is empty; `False` is something."""
    return {
        key: value
        for key, value in entries.items()
        if value is not None and value != "" and value != [] and value != {}
    }
