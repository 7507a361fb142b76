"""What is known about the tables of a data source, as measured on the data itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnProfile:
    """A column with its measured facts; a fact that was not measured is None or empty."""

    name: str
    type: str
    """One of the types of `domain.result.Column`."""
    native_type: str = ""
    description: str = ""
    distinct_count: int | None = None
    null_fraction: float = 0.0
    minimum: str | None = None
    maximum: str | None = None
    average_length: float | None = None
    """Characters, text columns only."""
    values: tuple[str, ...] = ()
    """Distinct values of a low-cardinality text column, sorted: all of them, or with
    `is_sampled` those of a sample."""
    is_sampled: bool = False
    """The facts come from a sample of the rows: values may be missing, bounds may be wider."""
    is_unique: bool = False
    """Every row has a value, and no two rows share one."""
    is_clock: bool = False
    """Integers that write a time of day as hhmm: 517 is 05:17."""


ForeignKey: TypeAlias = tuple[tuple[str, ...], str, tuple[str, ...]]
"""(own columns, target table, target columns), as declared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableProfile:
    """`name` is the plain table name, or `schema.table` outside the default schema."""

    name: str
    row_count: int
    """Counted where Aiser keeps the data, else what the database's catalog estimates; 0 if unknown."""
    columns: tuple[ColumnProfile, ...]
    description: str = ""
    primary_key: tuple[str, ...] = ()
    """The declared key; empty when the database declares none."""
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    """Columns of each index in order, keys included."""
    is_view: bool = False
    depends_on: tuple[str, ...] | None = None
    """Of a view: the tables and views it reads, through views as well; None when that is unknown."""

    def find_column(self, name: str) -> ColumnProfile | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyLink:
    """A possible many-to-one reference between two tables, with the evidence for it."""

    table: str
    target: str
    columns: tuple[tuple[str, str], ...]
    """Pairs (own column, target column)."""
    name_score: float
    """0..1: how strongly the names say so."""
    containment: float
    """Share of the distinct own values that exist in the target."""
    declared: bool = False

    @property
    def score(self) -> float:
        """Certainty: 1 for declared keys, else names count for 0.6 and values for 0.4."""
        if self.declared:
            return 1.0
        return round(0.6 * self.name_score + 0.4 * self.containment, 4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalog:
    """Every link in `links` was checked: a row of `table` matches at most one row of `target`."""

    source_id: str
    tables: tuple[TableProfile, ...]
    links: tuple[KeyLink, ...] = ()
    statements: int = 0
    """Queries that measuring took, besides those that read the database's own catalog."""
    notes: tuple[str, ...] = ()
    """What people should know of the reading: budgets that were used up, tables that failed."""

    def find_table(self, name: str) -> TableProfile | None:
        return next((table for table in self.tables if table.name == name), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceTable:
    """A table as it is kept with its source, for the guard, the pages and the agent."""

    table: TableProfile
    hidden_from_ai: bool = False
    """An administrator hid it from the agent; kept over syncs."""


class SyncPhase(StrEnum):
    SCHEMA = "schema"
    VALUES = "values"
    LINKS = "links"


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncProgress:
    """`done` of `total` tables (in LINKS: of tables that others may refer to); 0 of 0 at a start."""

    phase: SyncPhase
    done: int = 0
    total: int = 0


ProgressReport: TypeAlias = Callable[[SyncProgress], None]


_MIN_PREFIXED = 3
"""Columns of a table whose names' common beginning is a prefix, and no chance."""
_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@lru_cache(maxsize=20_000)
def name_words(name: str) -> tuple[str, ...]:
    """The words of an identifier in lower case: `fctOrder_items` is fct, order, items."""
    return tuple(
        part.lower()
        for word in _WORD.findall(name)
        for part in (_CAMEL.findall(word) if word.isascii() and word.isalpha() else [word])
    )


def singular(word: str) -> str:
    """The singular of an English plural as tables are named by it; other words stay."""
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def shared_prefix(table: TableProfile) -> int:
    """How many words begin the name of every column, with at least one word left in each."""
    names = [name_words(column.name) for column in table.columns]
    if len(names) < _MIN_PREFIXED or any(len(words) < 2 for words in names):
        return 0
    most = min(len(words) for words in names) - 1
    length = 0
    while length < most and len({words[length] for words in names}) == 1:
        length += 1
    return length
