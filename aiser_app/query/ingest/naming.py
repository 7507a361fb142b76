"""Names of tables and columns: still recognisable, and plain enough to be typed in SQL."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from aiser_app.query.ingest.limits import NAME_CHARS

_RESERVED_WORDS = """
all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case
cast check collate collation column concurrently constraint create cross default deferrable desc
describe distinct do else end except false fetch for foreign freeze from full glob group having
ilike in initially inner intersect into is isnull join lambda lateral leading left like limit
natural not notnull null offset on only or order outer overlaps pivot pivot_longer pivot_wider
placing positional primary qualify references returning right select semi show similar some
summarize symmetric table tablesample then to trailing true union unique unpack unpivot using
variadic verbose when where window with
"""
RESERVED = frozenset(_RESERVED_WORDS.split())
"""What DuckDB does not take for a column unless it is quoted; tried out, as its own list says more."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
ORIGINAL_CHARS = 200


def plain_name(text: str, fallback: str) -> str:
    """Letters and digits of any script in lower case, joined by underscores.

    `Umsatz (netto) €` is `umsatz_netto`, `orderID` is `order_id`, `2024` is `c_2024`.
    """
    composed = unicodedata.normalize("NFKC", text)[: 4 * NAME_CHARS]
    spaced = _CAMEL.sub("_", composed) if composed.isascii() else composed
    kept = "".join(c if _is_part(c) else "_" for c in spaced.lower())
    name = re.sub("_+", "_", kept).strip("_")[:NAME_CHARS].rstrip("_")
    if not name:
        return fallback
    if unicodedata.category(name[0])[0] in "NM":
        name = f"c_{name}"
    return f"{name}_" if name in RESERVED else name


def unique_names(texts: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """Plain names, no two of them equal: `id`, `id_2`; those without one by position, `column_3`."""
    used = {name.casefold() for name in taken}
    names = []
    for position, text in enumerate(texts, 1):
        base = plain_name(text, f"column_{position}")
        name, number = base, 1
        while name.casefold() in used:
            number += 1
            name = f"{base[: NAME_CHARS - 8]}_{number}"
        used.add(name.casefold())
        names.append(name)
    return names


def shown(text: str) -> str:
    """Text of a file as it may be shown: one line, without invisible characters, bounded."""
    kept = "".join(c if c.isprintable() else " " for c in text[: 2 * ORIGINAL_CHARS])
    return " ".join(kept.split())[:ORIGINAL_CHARS]


def quoted(name: str) -> str:
    """An identifier in DuckDB's SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string in DuckDB's SQL."""
    return "'" + text.replace("'", "''") + "'"


def _is_part(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")
