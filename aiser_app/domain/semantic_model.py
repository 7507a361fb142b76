"""The business layer of a data source in Cube's vocabulary: cubes, measures, dimensions, joins.

Member names are `cube.member`. Source of the vocabulary: Cube's data model reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Aggregation(StrEnum):
    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    MEDIAN = "median"
    PERCENTILE = "percentile"
    """Only as a `RowAggregate` of a query: a measure has no place for which one."""
    NUMBER = "number"
    """Computed from other measures by the measure's own `sql`."""


class DimensionType(StrEnum):
    STRING = "string"
    NUMBER = "number"
    TIME = "time"
    BOOLEAN = "boolean"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dimension:
    """A column one can group or filter by, and, when numeric, aggregate."""

    name: str
    column: str
    """Empty with `sql` or `date_parts`."""
    type: DimensionType
    title: str
    description: str = ""
    is_key: bool = False
    """Identifier or code: grouped and counted, never summed or averaged."""
    is_label: bool = False
    """The column that names the row of its cube to a person (airlines.name)."""
    unit: str = ""
    """Unit of a number as written after it, such as `min`; empty when unknown."""
    distinct_count: int | None = None
    null_fraction: float = 0.0
    values: tuple[str, ...] = ()
    """Distinct values of a low-cardinality text column, for linking words to values."""
    is_sampled: bool = False
    """The values, minimum and maximum come from a sample: there may be others."""
    synonyms: tuple[str, ...] = ()
    minimum: str = ""
    """Smallest known value, ISO for times: tells which June "in June" can mean. Empty: unknown."""
    maximum: str = ""
    """Largest known value, as `minimum`."""
    sql: str = ""
    """Instead of a column: an expression in the source's dialect; `{CUBE}` is the cube's table, `{name}`
    another dimension of it. It is parsed and judged like everything that runs."""
    date_parts: tuple[str, ...] = ()
    """Instead of a column: the columns of year, month and, if there is one, day."""
    text_format: str = ""
    """For a time that is stored as text or number: `yyyy-mm-dd`, `yyyymmdd`, `epoch_s` or `epoch_ms`."""
    value_titles: tuple[tuple[str, str], ...] = ()
    """Pairs (stored code, what it means), for words and display: ("1", "open")."""
    is_hidden: bool = False
    """Usable by name, and neither offered nor linked to words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """An aggregate over a cube's rows. `column` is empty for the row count, and with `sql`."""

    name: str
    aggregation: Aggregation
    column: str
    title: str
    description: str = ""
    unit: str = ""
    synonyms: tuple[str, ...] = ()
    sql: str = ""
    """What is aggregated instead of a column, as in `Dimension.sql`; for `number` an expression of other
    measures: `{revenue} / {count}`."""
    filters: tuple[str, ...] = ()
    """Conditions in SQL that its rows fulfil, as in `Dimension.sql`."""
    is_hidden: bool = False
    is_default: bool = False
    """Meant when a question asks "how much" of the cube, without saying of what."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A named condition on a cube's rows, in SQL as in `Dimension.sql`: completed orders."""

    name: str
    sql: str
    title: str
    description: str = ""
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Join:
    """A many-to-one edge: each row of the owning cube matches at most one row of `target`."""

    target: str
    columns: tuple[tuple[str, str], ...]
    """Pairs (own column, target column), all compared with `=`."""
    role: str = ""
    """Tells parallel edges apart: `origin` and `dest` both lead to airports."""
    score: float = 1.0
    """0..1: certainty; 1 for declared keys, less for ones inferred from names and values."""
    source: str = "inferred"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cube:
    """One table seen as a business entity."""

    name: str
    table: str
    title: str
    description: str = ""
    row_count: int = 0
    primary_key: tuple[str, ...] = ()
    default_time_dimension: str = ""
    dimensions: tuple[Dimension, ...] = ()
    measures: tuple[Measure, ...] = ()
    joins: tuple[Join, ...] = ()
    synonyms: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    sql: str = ""
    """Instead of a table: a SELECT in the source's dialect."""
    is_hidden: bool = False
    """Usable by name and by joins, and neither offered nor linked to words: a bridge, a technical table."""
    reads: tuple[str, ...] = ()
    """With `sql`: the tables that it reads, as the guard found when the model was written."""

    def find_dimension(self, name: str) -> Dimension | None:
        return next((d for d in self.dimensions if d.name == name), None)

    def find_measure(self, name: str) -> Measure | None:
        return next((m for m in self.measures if m.name == name), None)

    def find_segment(self, name: str) -> Segment | None:
        return next((s for s in self.segments if s.name == name), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class SemanticModel:
    """All cubes of one data source."""

    source_id: str
    cubes: tuple[Cube, ...]
    version: int = 1

    def find_cube(self, name: str) -> Cube | None:
        return next((c for c in self.cubes if c.name == name), None)

    def find_dimension(self, member: str) -> Dimension | None:
        cube, _, name = member.partition(".")
        found = self.find_cube(cube)
        return found.find_dimension(name) if found else None

    def find_measure(self, member: str) -> Measure | None:
        cube, _, name = member.partition(".")
        found = self.find_cube(cube)
        return found.find_measure(name) if found else None
