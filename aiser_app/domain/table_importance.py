"""Which tables of a large database people will ask about: by links, rows and names.

Used wherever there is no room or no time for all of them. Measured on nothing but names and numbers
of the catalog, so that five thousand tables take milliseconds.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from aiser_app.domain.catalog import Catalog, KeyLink, TableProfile, name_words

_SCAFFOLDING_WORDS = (
    "tmp temp temporary bak backup bkp old archive archived copy test dummy staging stg raw log logs "
    "audit history hist migration migrations schema_version flyway alembic django ar celery session "
    "sessions job jobs queue cache lock locks token tokens deprecated delete deleted unused"
)
_SCAFFOLDING = frozenset(_SCAFFOLDING_WORDS.split())
"""Words of tables that keep a system running, or are left over; rarely what is asked about."""
_PART = re.compile(r"(?:_p|_part|_y|_)?\d{2,}(?:_?[mqw]?\d{1,2})*$")
"""`events_2024_01`, `events_p17`: a part of a table that is there as a whole."""
_SYSTEM_SCHEMAS = frozenset(("audit", "archive", "backup", "staging", "stg", "tmp", "temp", "test"))


def rank_tables(catalog: Catalog) -> list[TableProfile]:
    """The most important first; ties by name, so that the order is the same every time."""
    referring = Counter(link.table for link in catalog.links if link.table != link.target)
    referred = Counter(link.target for link in catalog.links if link.table != link.target)
    names = {table.name for table in catalog.tables}
    scores = {
        table.name: _score(table, referring[table.name], referred[table.name], names)
        for table in catalog.tables
    }
    return sorted(catalog.tables, key=lambda table: (-scores[table.name], table.name))


def choose_tables(catalog: Catalog, most: int) -> Catalog:
    """The `most` most important tables, and with them what they refer to, in the catalog's order.

    Facts first; then, before a next fact, its dimensions: a fact alone can hardly be grouped.
    """
    if len(catalog.tables) <= most:
        return catalog
    targets: dict[str, list[str]] = {}
    for link in catalog.links:
        targets.setdefault(link.table, []).append(link.target)
    chosen: set[str] = set()
    for table in rank_tables(catalog):
        for name in (table.name, *targets.get(table.name, ())):
            if len(chosen) < most:
                chosen.add(name)
    return Catalog(
        source_id=catalog.source_id,
        tables=tuple(table for table in catalog.tables if table.name in chosen),
        links=tuple(_within(catalog, chosen)),
        statements=catalog.statements,
        notes=catalog.notes,
    )


def _within(catalog: Catalog, chosen: set[str]) -> Iterable[KeyLink]:
    return (link for link in catalog.links if link.table in chosen and link.target in chosen)


def _score(table: TableProfile, referring: int, referred: int, names: set[str]) -> float:
    schema, _, plain = table.name.rpartition(".")
    words = set(name_words(plain))
    score = math.log10(max(table.row_count, 0) + 1)
    score += 1.5 * min(referring, 6) + math.log2(referred + 1) * 1.5
    score -= 4.0 * bool(words & _SCAFFOLDING) + 4.0 * (schema.casefold() in _SYSTEM_SCHEMAS)
    score -= 1.0 * plain.startswith("_") + 1.0 * table.is_view
    whole = _PART.sub("", plain)
    if whole != plain:
        score -= 6.0 if (f"{schema}.{whole}" if schema else whole) in names else 1.0
    return score
