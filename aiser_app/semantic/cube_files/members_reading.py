"""Dimensions, measures and segments of one cube of a Cube YAML file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aiser_app.domain.semantic_model import (
    Aggregation,
    Dimension,
    DimensionType,
    Measure,
    Segment,
)
from aiser_app.semantic.cube_files.nodes import Mapping
from aiser_app.semantic.cube_files.references import BadReference, normal, plain_column
from aiser_app.semantic.cube_files.report import Report
from aiser_app.semantic.titles import column_title

_SHARED = "name title description sql meta public shown"
_DIMENSION_KEYS = frozenset((_SHARED + " type primary_key primaryKey format case").split())
_MEASURE_KEYS = frozenset((_SHARED + " type filters format").split())
_SEGMENT_KEYS = frozenset(_SHARED.split())
_TYPES = {item.value: item for item in DimensionType}
_AGGREGATIONS = {
    "count": Aggregation.COUNT, "count_distinct": Aggregation.COUNT_DISTINCT,
    "countDistinct": Aggregation.COUNT_DISTINCT, "sum": Aggregation.SUM, "avg": Aggregation.AVG,
    "min": Aggregation.MIN, "max": Aggregation.MAX, "number": Aggregation.NUMBER,
    "median": Aggregation.MEDIAN,
}  # fmt: skip
_NEARLY = {
    "count_distinct_approx": Aggregation.COUNT_DISTINCT,
    "countDistinctApprox": Aggregation.COUNT_DISTINCT,
    "running_total": Aggregation.SUM,
    "runningTotal": Aggregation.SUM,
}


class MemberReader:
    def __init__(self, report: Report, cube: str, shown: str) -> None:
        """`cube` is the cube's name within the file, `shown` the one that it has in the model."""
        self._report = report
        self._cube = cube
        self._shown = shown
        self._open: set[str] = set()

    def dimensions(self, node: Mapping) -> list[Dimension]:
        return [self.dimension(item) for item in self._named(node, "dimensions", _DIMENSION_KEYS)]

    def measures(self, node: Mapping) -> tuple[Measure, ...]:
        return tuple(self._measure(item) for item in self._named(node, "measures", _MEASURE_KEYS))

    def segments(self, node: Mapping) -> tuple[Segment, ...]:
        return tuple(self._segment(item) for item in self._named(node, "segments", _SEGMENT_KEYS))

    def is_open(self, dimension: Dimension) -> bool:
        """Whether the file leaves it to us to see that it is a key."""
        return dimension.name in self._open

    def primary_key(self, node: Mapping, dimensions: Sequence[Dimension]) -> tuple[str, ...]:
        marked = {self._name(item) for item in node.mappings("dimensions") if _is_primary(item)}
        return tuple(item.column or item.name for item in dimensions if item.name in marked)

    def dimension(self, item: Mapping) -> Dimension:
        extras = item.mapping("meta").mapping("aiser")
        name = self._name(item)
        parts = extras.texts("date_parts")
        sql = "" if parts else self._sql(item)
        column = extras.text("column") or plain_column(sql)
        kind = item.text("type")
        if kind not in _TYPES:
            said = f"“{kind[:40]}” is no type" if kind else "It needs a type"
            self._error(f"{said}: string, number, time or boolean.", item, "type")
        if not sql and not parts and not column:
            self._error("A dimension needs sql.", item, "sql")
        if extras.flag("key") is None:
            self._open.add(name)
        return Dimension(
            name=name,
            column="" if parts else column,
            type=_TYPES.get(kind, DimensionType.STRING),
            title=item.text("title") or column_title(item.text("name")),
            description=item.text("description"),
            is_key=_is_primary(item) if extras.flag("key") is None else bool(extras.flag("key")),
            is_label=bool(extras.flag("label")),
            unit=extras.text("unit") or ("%" if item.text("format") == "percent" else ""),
            synonyms=item.mapping("meta").texts("synonyms"),
            sql="" if column or parts else sql,
            date_parts=parts,
            text_format=extras.text("text_format"),
            value_titles=_pairs(extras.mapping("values")),
            is_hidden=_is_hidden(item),
        )

    def _measure(self, item: Mapping) -> Measure:
        extras = item.mapping("meta").mapping("aiser")
        aggregation = self._aggregation(item, extras)
        sql = extras.text("sql") or self._sql(item)
        column = extras.text("column") or plain_column(sql)
        if aggregation is Aggregation.NUMBER:
            column = ""
        elif aggregation is not Aggregation.COUNT and not sql and not column:
            self._error(f"A measure of the type {aggregation.value} needs sql.", item, "sql")
        if aggregation is Aggregation.NUMBER and not sql:
            self._error("A measure of the type number needs sql.", item, "sql")
        return Measure(
            name=self._name(item),
            aggregation=aggregation,
            column=column,
            title=item.text("title") or column_title(item.text("name")),
            description=item.text("description"),
            unit=extras.text("unit") or ("%" if item.text("format") == "percent" else ""),
            synonyms=item.mapping("meta").texts("synonyms"),
            sql="" if column else sql,
            filters=tuple(
                text for part in item.mappings("filters") if (text := self._sql(part, item))
            ),
            is_hidden=_is_hidden(item),
            is_default=bool(extras.flag("default")),
        )

    def _segment(self, item: Mapping) -> Segment:
        sql = self._sql(item)
        if not sql:
            self._error("A segment needs sql.", item, "sql")
        return Segment(
            name=self._name(item),
            sql=sql,
            title=item.text("title") or column_title(item.text("name")),
            description=item.text("description"),
            synonyms=item.mapping("meta").texts("synonyms"),
        )

    def _aggregation(self, item: Mapping, extras: Mapping) -> Aggregation:
        kind = extras.text("aggregation") or item.text("type")
        if kind in _NEARLY:
            found = _NEARLY[kind]
            self._note(f"The type {kind} is not supported; it is taken for {found.value}.", item)
            return found
        if kind not in _AGGREGATIONS:
            known = ", ".join(sorted(item.value for item in set(_AGGREGATIONS.values())))
            said = f"“{kind[:40]}” is no type of a measure" if kind else "It needs a type"
            self._error(f"{said}: {known}.", item, "type")
        return _AGGREGATIONS.get(kind, Aggregation.COUNT)

    def _named(self, node: Mapping, part: str, keys: frozenset[str]) -> Iterator[Mapping]:
        for item in node.mappings(part):
            if not item.text("name"):
                self._report.error(f"An entry of {part} needs a name.", self._shown, item.line)
                continue
            self._report.lines.setdefault(self._where(item), item.line)
            for key in item.entries:
                if key not in keys:
                    self._note(f"“{key[:40]}” is not supported, and was left out.", item, key)
            yield item

    def _sql(self, item: Mapping, owner: Mapping | None = None) -> str:
        """In normal form; `case` is written out."""
        case = item.mapping("case")
        text = _case(case) if case.entries else item.text("sql").strip()
        try:
            return normal(text, self._cube)
        except BadReference as error:
            self._report.error(str(error), self._where(owner or item), item.line_of("sql"))
            return "NULL"  # the error above stands; others would only repeat it

    def _name(self, item: Mapping) -> str:
        return item.mapping("meta").mapping("aiser").text("name") or item.text("name")

    def _where(self, item: Mapping) -> str:
        return f"{self._shown}.{self._name(item)}"

    def _error(self, message: str, item: Mapping, key: str) -> None:
        self._report.error(message, self._where(item), item.line_of(key))

    def _note(self, message: str, item: Mapping, key: str = "type") -> None:
        self._report.note(message, self._where(item), item.line_of(key))


def _case(case: Mapping) -> str:
    """Cube's `case` as the expression that it stands for."""
    parts = [
        f"WHEN ({item.text('sql').strip()}) THEN {_label(item)}" for item in case.mappings("when")
    ]
    otherwise = case.mapping("else")
    if otherwise.entries:
        parts.append(f"ELSE {_label(otherwise)}")
    return f"CASE {' '.join(parts)} END"


def _label(item: Mapping) -> str:
    """Text, or an expression of its own."""
    label = item.mapping("label")
    if label.entries:
        return f"({label.text('sql').strip()})"
    return "'" + item.text("label").replace("'", "''") + "'"


def _pairs(node: Mapping) -> tuple[tuple[str, str], ...]:
    return tuple((value, node.text(value)) for value in node.entries)


def _is_primary(item: Mapping) -> bool:
    return bool(item.flag("primary_key") or item.flag("primaryKey"))


def _is_hidden(item: Mapping) -> bool:
    public, shown = item.flag("public"), item.flag("shown")
    return public is False or (public is None and shown is False)
