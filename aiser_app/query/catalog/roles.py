"""Columns named by a role, not by what they refer to: `approver_id`, `PRUEFER_NR`, `opened_by`.

Names say little here, so values must say more. Numbers that count from one are in every key by
chance; they count only where the name speaks of a person and the table is one of people, or where
they fill the key from end to end. Numbers that begin elsewhere belong to the one key that has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiser_app.domain.catalog import ColumnProfile, TableProfile, name_words
from aiser_app.query.catalog.candidates import Candidate, home_key
from aiser_app.query.catalog.naming import GENERIC_KEYS, Naming, schema_of
from aiser_app.query.catalog.people import ROLES, People, people_of

OFFSET_SCORE = 0.6
"""Name score where the names say nothing, and only one key has the numbers."""
_SCORES = {People.SOME: 0.75, People.NAMED: 0.8, People.STAFF: 0.85}
"""Name scores of a role of a person, by how surely the target is a table of people."""
MAX_TARGETS = 6
"""Keys that one column is compared with."""
MAXROLES = 400
"""Columns that are looked at; what is left has no name that says anything anyway."""
_OFFSET = 100
"""Numbering that begins here or higher was chosen, and is no mere count."""
_UNKNOWN = 10**18
"""Stands for the end of numbers of which only a sample was read."""
_CHANCE = 0.01
"""How likely it may be that so many numbers of this key leave so much of its end out."""
_LEAST_DISTINCT = 30


@dataclass(frozen=True, slots=True)
class _Numbers:
    distinct: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class _Home:
    """A table with the key that others refer to, and the bounds of its numbers."""

    table: TableProfile
    key: ColumnProfile
    numbers: _Numbers
    people: People


def role_candidates(
    tables: Sequence[TableProfile], linked: set[tuple[str, str]]
) -> Iterator[Candidate]:
    """Pairs of number columns; `linked` columns are left out. Few, and the likeliest of each."""
    naming = Naming(tables)
    homes = [home for table in tables if (home := _home(table, naming)) is not None]
    count = 0
    for table in tables:
        for column in table.columns:
            if (table.name, column.name) in linked or not _may_be_role(table, column):
                continue
            found = _targets(table, column, homes)
            if not found:
                continue
            count += 1
            yield from found
            if count >= MAXROLES:
                return


def _home(table: TableProfile, naming: Naming) -> _Home | None:
    key = home_key(table)
    numbers = _numbers(key) if key is not None else None
    if key is None or numbers is None or table.is_view:
        return None
    if key.is_sampled:  # its bounds are those of the sample
        numbers = _Numbers(table.row_count, 0, _UNKNOWN)
    people = people_of(table, naming.entity(table))
    return _Home(table, key, numbers, people)


def _numbers(column: ColumnProfile) -> _Numbers | None:
    if column.type != "integer" or not column.minimum or not column.maximum:
        return None
    return _Numbers(column.distinct_count or 0, int(column.minimum), int(column.maximum))


def _may_be_role(table: TableProfile, column: ColumnProfile) -> bool:
    words = name_words(column.name)
    if column.type != "integer" or column.is_clock or not words or column is home_key(table):
        return False
    return words[-1] in GENERIC_KEYS or words[-1] == "by" or words[-1] in ROLES


def _targets(table: TableProfile, column: ColumnProfile, homes: Sequence[_Home]) -> list[Candidate]:
    numbers = _numbers(column)
    if numbers is None or not numbers.distinct:
        return []
    words = set(name_words(column.name))
    fitting = [
        home
        for home in homes
        if home.numbers.low <= numbers.low
        and numbers.high <= home.numbers.high
        and home.numbers.distinct >= numbers.distinct
        and schema_of(home.table) == schema_of(table)
    ]
    if words & ROLES or "by" in words:
        people = [home for home in fitting if home.people is not People.NONE]
        most = max((home.people for home in people), default=People.NONE)
        if most is not People.NONE:
            likeliest = [home for home in people if home.people is most][:MAX_TARGETS]
            return [_candidate(table, column, home, _SCORES[most]) for home in likeliest]
    certain = [home for home in fitting if _is_no_chance(numbers, home, words)]
    if len(certain) != 1:
        return []
    return [_candidate(table, column, certain[0], OFFSET_SCORE)]


def _is_no_chance(numbers: _Numbers, home: _Home, words: set[str]) -> bool:
    """Whether numbers of another meaning would hardly lie in this key so."""
    if not words - GENERIC_KEYS:
        return False
    if home.numbers.high >= _UNKNOWN:
        return False
    if home.numbers.low >= _OFFSET:
        return True
    share = numbers.high / home.numbers.high if home.numbers.high > 0 else 0.0
    return numbers.distinct >= _LEAST_DISTINCT and share**numbers.distinct >= _CHANCE


def _candidate(table: TableProfile, column: ColumnProfile, home: _Home, score: float) -> Candidate:
    return Candidate(
        table=table,
        column=column,
        target=home.table,
        target_column=home.key,
        name_score=score,
        is_role=True,
    )
