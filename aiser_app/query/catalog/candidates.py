"""Which columns might refer to which table, judged by names and types alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aiser_app.domain.catalog import ColumnProfile, TableProfile, name_words, singular

GENERIC_KEYS = frozenset(
    {"id", "key", "code", "no", "nr", "num", "number", "pk", "uuid", "guid", "sk"}
)
"""Words that make a column a key without saying of what."""
_PREFIXES = frozenset({"dim", "fct", "fact", "tbl", "stg", "bridge", "v", "vw"})
_SHARED_WORDS = (
    "name title description comment note text label type kind status state level category year "
    "quarter month week day hour minute second date time value amount price total count quantity "
    "qty rate percent pct score rank first last email phone address"
)
_NEVER_KEYS = frozenset(_SHARED_WORDS.split())
"""Words that two tables share without one referring to the other."""
_SELF_WORDS = frozenset(
    ("parent", "manager", "supervisor", "boss", "reports", "superior", "previous")
)
"""Words that make a column refer to another row of its own table."""
VALUE_NAME_SCORE = 0.55
"""Name score of a link that only the values speak for."""
_MAX_CODE_LENGTH = 16
_MIN_VALUE_LENGTH = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """`column` of `table` may refer to the unique `target_column` of `target`."""

    table: TableProfile
    column: ColumnProfile
    target: TableProfile
    target_column: ColumnProfile
    name_score: float


def named_candidates(tables: tuple[TableProfile, ...]) -> Iterator[Candidate]:
    """Pairs whose names fit, each with its score."""
    for target in tables:
        for key in target.columns:
            if not _can_be_key(key, target):
                continue
            for table in tables:
                for column in table.columns:
                    score = _name_score(table, column, target, key)
                    if score:
                        yield Candidate(
                            table=table,
                            column=column,
                            target=target,
                            target_column=key,
                            name_score=score,
                        )


def value_candidates(
    tables: tuple[TableProfile, ...], linked: set[tuple[str, str]]
) -> Iterator[Candidate]:
    """Pairs of short codes that only their values can connect; `linked` columns are left out."""
    for target in tables:
        for key in target.columns:
            if not (_can_be_key(key, target) and _is_code(key)):
                continue
            for table in tables:
                for column in table.columns:
                    if (
                        table is not target
                        and (table.name, column.name) not in linked
                        and not column.is_unique
                        and _is_code(column)
                        and _fits_lengths(column, key)
                    ):
                        yield Candidate(
                            table=table,
                            column=column,
                            target=target,
                            target_column=key,
                            name_score=VALUE_NAME_SCORE,
                        )


def entity_words(table: TableProfile) -> tuple[str, ...]:
    """What a row of the table is: `dim_order_items` is order, item."""
    words = [word for word in name_words(table.name.rpartition(".")[2]) if word not in _PREFIXES]
    return (*words[:-1], singular(words[-1])) if words else ()


def _can_be_key(column: ColumnProfile, table: TableProfile) -> bool:
    return (
        column.is_unique
        and column.type in ("integer", "string")
        and not column.is_clock
        and table.row_count > 0
        and not _is_generic(column)
    )


def _is_generic(column: ColumnProfile) -> bool:
    words = name_words(column.name)
    return not words or words[-1] in _NEVER_KEYS


def _is_code(column: ColumnProfile) -> bool:
    length = column.average_length
    return (
        column.type == "string"
        and length is not None
        and _MIN_VALUE_LENGTH <= length <= _MAX_CODE_LENGTH
        and (column.distinct_count or 0) >= _MIN_VALUE_LENGTH
        and not _is_generic(column)
    )


def _fits_lengths(column: ColumnProfile, key: ColumnProfile) -> bool:
    return abs((column.average_length or 0) - (key.average_length or 0)) <= 1


def _name_score(
    table: TableProfile, column: ColumnProfile, target: TableProfile, key: ColumnProfile
) -> float:
    """0 when the names do not fit; 1 when they could not fit better."""
    if column.type != key.type or (table is target and column.name == key.name):
        return 0.0
    own, other, entity = name_words(column.name), name_words(key.name), entity_words(target)
    if not own or own[-1] in _NEVER_KEYS or _is_own_key(table, column):
        return 0.0
    if table is target:
        return 0.85 if set(own) & _SELF_WORDS else 0.0
    generic = all(word in GENERIC_KEYS for word in other)
    full = (*entity, *other) if generic else other
    if own == full:
        return _same_name_score(key, entity, full, generic=generic)
    if generic and own in (entity, (entity[-1],) if entity else ()):
        return 0.9
    if generic and len(entity) > 1 and own == (entity[-1], *other):
        return 0.85
    if len(own) > len(full) and own[-len(full) :] == full and _is_keylike(full, entity):
        return 0.9
    if entity and len(own) > 1 and own[-1] == entity[-1]:
        return 0.8
    return 0.0


def _same_name_score(
    key: ColumnProfile, entity: tuple[str, ...], full: tuple[str, ...], *, generic: bool
) -> float:
    if generic or _mentions(full, entity):
        return 1.0
    # The same number may be in two tables by chance, the same code hardly.
    return 0.85 if key.type == "string" or full[-1] in GENERIC_KEYS else 0.0


def _is_keylike(words: tuple[str, ...], entity: tuple[str, ...]) -> bool:
    return words[-1] in GENERIC_KEYS or _mentions(words, entity)


def _mentions(words: tuple[str, ...], entity: tuple[str, ...]) -> bool:
    return bool(entity) and (words[: len(entity)] == entity or entity[-1] in words)


def _is_own_key(table: TableProfile, column: ColumnProfile) -> bool:
    """The key of the table itself refers to nothing else."""
    if not column.is_unique:
        return False
    words, entity = name_words(column.name), entity_words(table)
    return all(word in GENERIC_KEYS for word in words) or _mentions(words, entity)
