"""Which columns might refer to which table, judged by names and types alone.

Columns are found by the last words of their names, never by trying every pair: five thousand tables
have a hundred and fifty thousand columns.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aiser_app.domain.catalog import ColumnProfile, TableProfile, name_words
from aiser_app.query.catalog.naming import (
    GENERIC_KEYS,
    Naming,
    Words,
    entity_words,
    schema_of,
)
from aiser_app.query.catalog.people import ROLES, People, people_of

_SHARED_WORDS = (
    "name title description comment note text label type kind status state level category year "
    "quarter month week day hour minute second date time value amount price total count quantity "
    "qty rate percent pct score rank first last email phone address"
)
_NEVER_KEYS = frozenset(_SHARED_WORDS.split())
"""Words that two tables share without one referring to the other."""
_SELF_NAMES = (
    "parent manager mgr supervisor supv boss reports superior previous prev predecessor successor "
    "prior original orig root upper lead mentor referrer referred replaces replaced supersedes "
    "superseded upline sponsor coach chief head"
)
_SELF_WORDS = frozenset(_SELF_NAMES.split())
"""Words that make a column refer to another row of its own table."""
VALUE_NAME_SCORE = 0.55
"""Name score of a link that only the values speak for."""
MAX_HOMONYMS = 8
"""With more keys of one name than this (a schema per customer, say), links stay within a schema."""
MIN_ROWS_ASIDE = 20
"""In smaller tables a column that is not the key is unique by chance: five plants in five countries."""
_MAX_CODE_LENGTH = 16
_MIN_VALUE_LENGTH = 2
_KEY_TYPES = ("integer", "string")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """`column` of `table` may refer to the unique `target_column` of `target`."""

    table: TableProfile
    column: ColumnProfile
    target: TableProfile
    target_column: ColumnProfile
    name_score: float
    is_aside: bool = False
    """The target's column is not what its rows are known by: unique perhaps by chance."""
    is_role: bool = False
    """The name says a part in something, not what is referred to: without values it says nothing."""

    @property
    def referrer(self) -> tuple[str, str]:
        return self.table.name, self.column.name

    @property
    def key(self) -> tuple[str, str]:
        return self.target.name, self.target_column.name

    @property
    def is_within_schema(self) -> bool:
        return schema_of(self.table) == schema_of(self.target)


@dataclass(frozen=True, slots=True)
class _Referrer:
    table: TableProfile
    column: ColumnProfile
    words: Words


@dataclass(frozen=True, slots=True)
class _Key:
    table: TableProfile
    column: ColumnProfile
    words: Words
    entity: Words
    is_generic: bool
    """The name does not say of what it is the key."""
    full: Words
    """The key's name, with its table's in front of it where it is generic."""
    is_aside: bool
    is_vague: bool
    """The last word of the table's name says nothing of which table is meant: it is a number, or
    the last word of very many."""


class _Referrers:
    """Columns that may refer to something, by type, last words and schema."""

    def __init__(self, tables: Sequence[TableProfile], naming: Naming) -> None:
        words = _odd_keys(tables, naming)
        self._found: defaultdict[tuple[str, Words], defaultdict[str, list[_Referrer]]]
        self._found = defaultdict(lambda: defaultdict(list))
        for table in tables:
            schema = schema_of(table)
            for item in _referrers_of(table, naming, words):
                for start in range(len(item.words)):
                    place = item.column.type, item.words[start:]
                    self._found[place][schema].append(item)

    def ending(self, kind: str, words: Words, schema: str | None) -> Iterator[_Referrer]:
        """Those whose name ends with `words`; of every schema if none is given."""
        found = self._found.get((kind, words))
        if found is None:
            return
        for name in found if schema is None else (schema,):
            yield from found.get(name, ())


def named_candidates(tables: Sequence[TableProfile]) -> Iterator[Candidate]:
    """Pairs whose names fit, each with its score."""
    naming = Naming(tables)
    referrers = _Referrers(tables, naming)
    for key, schema in _keys(tables, naming):
        seen: set[tuple[str, str]] = set()
        for item in _fitting(key, schema, referrers, naming):
            place = item.table.name, item.column.name
            if place in seen:
                continue
            seen.add(place)
            score = _name_score(item, key)
            if score:
                yield Candidate(
                    table=item.table,
                    column=item.column,
                    target=key.table,
                    target_column=key.column,
                    name_score=score,
                    is_aside=key.is_aside,
                )


def value_candidates(
    tables: Sequence[TableProfile], linked: set[tuple[str, str]]
) -> Iterator[Candidate]:
    """Pairs of short codes that only their values can connect; `linked` columns are left out."""
    codes: defaultdict[int, list[tuple[TableProfile, ColumnProfile]]] = defaultdict(list)
    for table in tables:
        for column in table.columns:
            if (
                (table.name, column.name) not in linked
                and not column.is_unique
                and _is_code(column)
            ):
                codes[int(column.average_length or 0)].append((table, column))
    for target, key, is_aside in _code_keys(tables):
        length = int(key.average_length or 0)
        for near in (length - 1, length, length + 1):
            for table, column in codes.get(near, ()):
                if table is not target and _fits_lengths(column, key):
                    yield Candidate(
                        table=table,
                        column=column,
                        target=target,
                        target_column=key,
                        name_score=VALUE_NAME_SCORE,
                        is_aside=is_aside,
                    )


def _code_keys(
    tables: Iterable[TableProfile],
) -> Iterator[tuple[TableProfile, ColumnProfile, bool]]:
    """Unique codes, and whether each is another column than what its rows are known by."""
    for table in tables:
        home = home_key(table)
        for column in table.columns:
            is_small = column is not home and table.row_count < MIN_ROWS_ASIDE
            if _is_unique_key(column) and _is_code(column) and not is_small:
                yield table, column, column is not home


def is_named_as_key(table: TableProfile, column: ColumnProfile) -> bool:
    """Whether the name says that the column identifies the rows of its own table."""
    words, entity = name_words(column.name), entity_words(table)
    if column.type not in _KEY_TYPES or not words or words[-1] not in GENERIC_KEYS:
        return False
    return all(word in GENERIC_KEYS for word in words) or words[:-1] in (entity, entity[-1:])


def home_key(table: TableProfile) -> ColumnProfile | None:
    """The declared key, else the unique column that is named as one, else a unique first column."""
    if len(table.primary_key) == 1:
        return table.find_column(table.primary_key[0])
    unique = [column for column in table.columns if column.is_unique]
    named = next((column for column in unique if is_named_as_key(table, column)), None)
    if named is None and unique and unique[0] is table.columns[0]:
        return unique[0]
    return named


def _keys(tables: Sequence[TableProfile], naming: Naming) -> Iterator[tuple[_Key, str | None]]:
    """Keys that something may refer to, with the schema that referrers must be of, if any."""
    groups: defaultdict[tuple[str, Words], defaultdict[str, list[_Key]]]
    groups = defaultdict(lambda: defaultdict(list))
    entities = {table.name: naming.entity(table) for table in tables}
    ending = Counter((schema_of(table), entities[table.name][-1:]) for table in tables)
    for table in tables:
        entity = entities[table.name]
        is_vague = _is_number(entity[-1:]) or ending[schema_of(table), entity[-1:]] > MAX_HOMONYMS
        home = home_key(table)
        for column in table.columns:
            if not _is_unique_key(column):
                continue
            words = naming.column(table, column)
            is_home = len(words) > 1 and column is home
            if is_home or _may_name_key(words, entity):
                key = _key(table, column, words, entity, is_home=column is home, is_vague=is_vague)
                if entity or not key.is_generic:
                    groups[column.type, key.full][schema_of(table)].append(key)
    for by_schema in groups.values():
        is_crowded = sum(map(len, by_schema.values())) > MAX_HOMONYMS
        for schema, keys in by_schema.items():
            for key in _owners(keys):
                yield key, schema if is_crowded else None


def _key(
    table: TableProfile,
    column: ColumnProfile,
    words: Words,
    entity: Words,
    *,
    is_home: bool,
    is_vague: bool,
) -> _Key:
    is_generic = all(word in GENERIC_KEYS for word in words)
    full = (*entity, *words) if is_generic else words
    is_aside = not (is_generic or is_home or _mentions(full, entity))
    return _Key(table, column, words, entity, is_generic, full, is_aside, is_vague)


def _is_number(words: Words) -> bool:
    return all(word.isdigit() for word in words)


def _owners(keys: list[_Key]) -> list[_Key]:
    """Of very many keys of one name in one schema: those of the thing itself, else the largest."""
    if len(keys) <= MAX_HOMONYMS:
        return keys
    owners = [key for key in keys if _mentions(key.full, key.entity)] or keys
    return sorted(owners, key=lambda key: (-key.table.row_count, key.table.name))[:MAX_HOMONYMS]


def _fitting(
    key: _Key, schema: str | None, referrers: _Referrers, naming: Naming
) -> Iterator[_Referrer]:
    """What `_name_score` could find fitting, found by the ends of names."""
    endings = [key.full]
    last = key.entity[-1:]
    if last and (key.entity == last or not key.is_vague):
        endings += [last, (*last, *key.words)]
    for ending in endings:
        yield from referrers.ending(key.column.type, ending, schema)
    own = _referrers_of(key.table, naming, frozenset())
    yield from (item for item in own if set(item.words) & _SELF_WORDS)


def _odd_keys(tables: Iterable[TableProfile], naming: Naming) -> frozenset[Words]:
    """Names of keys that say type or status, such as a table's first column `unit_type`."""
    homes = ((table, key) for table in tables if (key := home_key(table)) is not None)
    found = (naming.column(table, key) for table, key in homes)
    return frozenset(words for words in found if len(words) > 1 and words[-1] in _NEVER_KEYS)


def _referrers_of(
    table: TableProfile, naming: Naming, odd: frozenset[Words]
) -> Iterator[_Referrer]:
    entity = naming.entity(table)
    for column in table.columns:
        if column.type not in _KEY_TYPES:
            continue
        words = naming.column(table, column)
        if not words or _is_own_key(column, words, entity):
            continue
        is_rare = words[-1] in _NEVER_KEYS and words not in odd
        if not is_rare or naming.is_entity_word(words[-1]):
            yield _Referrer(table, column, words)


def _is_unique_key(column: ColumnProfile) -> bool:
    return column.is_unique and column.type in _KEY_TYPES and not column.is_clock


def _may_name_key(words: Words, entity: Words) -> bool:
    """Statuses may have a status for their key; nothing else may."""
    return bool(words) and (words[-1] not in _NEVER_KEYS or words[-1:] == entity[-1:])


def _is_shared_word(column: ColumnProfile) -> bool:
    words = name_words(column.name)
    return not words or words[-1] in _NEVER_KEYS


def _is_code(column: ColumnProfile) -> bool:
    length = column.average_length
    return (
        column.type == "string"
        and length is not None
        and _MIN_VALUE_LENGTH <= length <= _MAX_CODE_LENGTH
        and (column.distinct_count or 0) >= _MIN_VALUE_LENGTH
        and not _is_shared_word(column)
    )


def _fits_lengths(column: ColumnProfile, key: ColumnProfile) -> bool:
    return abs((column.average_length or 0) - (key.average_length or 0)) <= 1


def _name_score(item: _Referrer, key: _Key) -> float:
    """0 when the names do not fit; 1 when they could not fit better."""
    own, entity, full = item.words, key.entity, key.full
    is_self = item.table is key.table
    if item.column.type != key.column.type or (is_self and item.column.name == key.column.name):
        return 0.0
    if is_self:
        return _self_score(key, set(own) & _SELF_WORDS)
    if own == full:
        return _same_name_score(key)
    if key.is_generic and own in (entity, entity[-1:]):
        return 0.9
    if key.is_generic and len(entity) > 1 and own == (entity[-1], *key.words):
        return 0.85
    if len(own) > len(full) and own[-len(full) :] == full and _is_keylike(full, entity):
        return 0.9
    if entity and len(own) > 1 and own[-1] == entity[-1] and not key.is_vague:
        return 0.8
    return 0.0


def _self_score(key: _Key, saying: set[str]) -> float:
    """A parent is a row of the same table; a manager is so only where the rows are people."""
    if not saying:
        return 0.0
    is_about_somebody = saying <= ROLES and people_of(key.table, key.entity) is People.NONE
    return 0.6 if is_about_somebody else 0.85


def _same_name_score(key: _Key) -> float:
    if key.is_generic or _mentions(key.full, key.entity):
        return 1.0
    # The same number may be in two tables by chance, the same code hardly.
    return 0.85 if key.column.type == "string" or key.full[-1] in GENERIC_KEYS else 0.0


def _is_keylike(words: Words, entity: Words) -> bool:
    return words[-1] in GENERIC_KEYS or _mentions(words, entity)


def _mentions(words: Words, entity: Words) -> bool:
    return bool(entity) and (words[: len(entity)] == entity or entity[-1] in words)


def _is_own_key(column: ColumnProfile, words: Words, entity: Words) -> bool:
    """The key of the table itself refers to nothing else."""
    if not column.is_unique:
        return False
    return all(word in GENERIC_KEYS for word in words) or _mentions(words, entity)
