"""Columns named by a role, not by what they refer to: `approver_id`, `PRUEFER_NR`, `opened_by`.

Names say little here, so values must say more. Numbers that count from one are in every key by
chance; they count only where the name speaks of a person and the table is one of people, or where
they fill the key from end to end. Numbers that begin elsewhere belong to the one key that has them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

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
MAX_HOMES = 100
"""Keys of a schema that are compared; of more tables only those of people are."""
MAX_ROLES = 400
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


@dataclass(frozen=True, slots=True)
class _Homes:
    """The keys of one schema that are compared, and whether those are all."""

    found: list[_Home]
    is_all: bool


def role_candidates(
    tables: Sequence[TableProfile], linked: set[tuple[str, str]]
) -> Iterator[Candidate]:
    """Pairs of number columns; `linked` columns are left out. Few, and the likeliest of each."""
    naming = Naming(tables)
    homes: defaultdict[str, list[_Home]] = defaultdict(list)
    for table in tables:
        home = _home(table, naming)
        if home is not None:
            homes[schema_of(table)].append(home)
    near = {schema: _likeliest(found) for schema, found in homes.items()}
    nothing = _Homes([], is_all=True)
    open_columns = (
        (table, column)
        for table in tables
        for column in table.columns
        if (table.name, column.name) not in linked and _may_be_role(table, column)
    )
    found = (
        _targets(table, item, near.get(schema_of(table), nothing)) for table, item in open_columns
    )
    for candidates in islice(filter(None, found), MAX_ROLES):
        yield from candidates


def _likeliest(homes: list[_Home]) -> _Homes:
    """All keys of a schema; of very many only those of people, of the largest tables."""
    if len(homes) <= MAX_HOMES:
        return _Homes(homes, is_all=True)
    people = [home for home in homes if home.people is not People.NONE]
    people.sort(key=lambda home: (-home.table.row_count, home.table.name))
    return _Homes(people[:MAX_HOMES], is_all=False)


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
    low, high = column.minimum or "", column.maximum or ""
    if column.type != "integer" or not _is_whole(low) or not _is_whole(high):
        return None
    return _Numbers(column.distinct_count or 0, int(low), int(high))


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _may_be_role(table: TableProfile, column: ColumnProfile) -> bool:
    words = name_words(column.name)
    if column.type != "integer" or column.is_clock or not words or column is home_key(table):
        return False
    return words[-1] in GENERIC_KEYS or words[-1] == "by" or words[-1] in ROLES


def _targets(table: TableProfile, column: ColumnProfile, homes: _Homes) -> list[Candidate]:
    numbers = _numbers(column)
    if numbers is None or not numbers.distinct:
        return []
    words = set(name_words(column.name))
    fitting = [
        home
        for home in homes.found
        if home.numbers.low <= numbers.low
        and numbers.high <= home.numbers.high
        and home.numbers.distinct >= numbers.distinct
    ]
    if words & ROLES or "by" in words:
        people = [home for home in fitting if home.people is not People.NONE]
        most = max((home.people for home in people), default=People.NONE)
        if most is not People.NONE:
            likeliest = [home for home in people if home.people is most][:MAX_TARGETS]
            return [_candidate(table, column, home, _SCORES[most]) for home in likeliest]
    if not homes.is_all:
        return []  # others, that are not compared, may have the numbers as well
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
