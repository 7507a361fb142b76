"""What an engine brings to be held to the contract: itself, a source, and ways to look behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from aiser_app.domain.data_source import DataSource, SourceSettings
from aiser_app.query.engines.contract import Engine

SETUP = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(40), height DOUBLE PRECISION, "
    "born DATE)",
    "INSERT INTO people VALUES (1, 'Ada', 1.65, DATE '1815-12-10'), (2, 'Alan', NULL, NULL)",
    "CREATE TABLE visits (person_id INTEGER, started TIMESTAMP)",
    "INSERT INTO visits VALUES (1, TIMESTAMP '2024-01-01 10:00:00')",
    "CREATE VIEW tall AS SELECT id, name FROM people WHERE height > 1.6",
)
"""Every engine's source gets these tables; who speaks another dialect writes them another way."""

IMPOSSIBLE = (
    "SELECT * FROM nothing_here",
    "SELECT CAST(name AS INTEGER) FROM people",
    "SELECT name, count(*) FROM people",
    "SELECT unheard_of(1)",
    "SELECT 'a' + DATE '2024-01-01' FROM",
    "SELECT sum(name) FROM people",
)
"""Queries that cannot run; engines that forgive some of them bring a shorter list."""

WRITES = (
    "INSERT INTO people VALUES (3, 'Eve', 1.7, NULL)",
    "UPDATE people SET name = 'Eve'",
    "DELETE FROM people",
    "DROP TABLE visits",
    "CREATE TABLE loot (id INTEGER)",
    "CREATE TABLE loot AS SELECT * FROM people",
    "SELECT * FROM people; DELETE FROM people",
)
"""What must fail through `stream` itself, where no guard stands before it."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """One value of the types' matrix."""

    sql: str
    type: str
    """Of the column, as `domain.result.Column` has it."""
    expected: Any
    """What Python reads from the stream."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """How an engine's database is reached, and ways to look at it from another side."""

    running: Callable[[], int]
    """How many queries of Aiser the database itself says are running."""
    drop: Callable[[], None]
    """End every connection of Aiser from the side of the database."""
    writer: DataSource
    """The same database by a role that may write."""
    wrong_password: DataSource
    wrong_port: DataSource
    unknown_host: DataSource
    no_database: DataSource


@dataclass(frozen=True, kw_only=True)
class Case:
    """An engine with a source that holds the tables of SETUP."""

    engine: Engine
    source: DataSource
    missing: DataSource
    """A source whose database does not exist."""
    endless: str
    """A query that runs far longer than any test."""
    endless_rows: str
    """The same, with a first row that comes soon."""
    contents: Callable[[], Any]
    """Everything in the database, to compare before and after."""
    values: tuple[Value, ...]
    writes: tuple[str, ...] = WRITES
    impossible: tuple[str, ...] = IMPOSSIBLE
    tables: frozenset[str] = frozenset({"people", "visits", "tall"})
    describes: frozenset[str] = frozenset({"primary", "foreign", "indexes", "comments", "views"})
    """What the engine's catalog knows beyond tables and columns."""
    repeats_names: bool = True
    """Whether two columns of a result may have the same name."""
    network: Network | None = field(default=None)


def a_source(name: str, url: str = "", **options: str) -> DataSource:
    """A source; engines under test are built to take its sealed URL as it stands."""
    return DataSource(
        source_id="5" * 32,
        organization_id="0" * 32,
        name="Case",
        engine=name,
        options=options,
        sealed_url=url,
    )


def narrow(source: DataSource, queries: int) -> DataSource:
    """The source with room for so many queries at once."""
    return replace(source, settings=SourceSettings(max_concurrent=queries))


def impatient(source: DataSource, url: str) -> DataSource:
    """The source by another URL, with little time to connect."""
    return replace(source, sealed_url=url, settings=SourceSettings(connect_timeout_seconds=2))
