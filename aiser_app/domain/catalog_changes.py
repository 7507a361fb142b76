"""What differs between two readings of a source's catalog, and how to say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TableShape = Mapping[str, str]
"""Native type by column name."""
NAMED = 5
"""Most names that one line of words spells out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogChanges:
    """Columns are written `table.column`; those of added and removed tables are not listed."""

    tables_added: tuple[str, ...] = ()
    tables_removed: tuple[str, ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()
    """(column, type before, type now)"""

    @property
    def is_empty(self) -> bool:
        return not (
            self.tables_added
            or self.tables_removed
            or self.columns_added
            or self.columns_removed
            or self.retyped
        )

    def in_words(self) -> tuple[str, ...]:
        """One line for each kind of change, for people; empty when nothing changed."""
        retyped = tuple(f"{name} from {before} to {now}" for name, before, now in self.retyped)
        lines = (
            _line(self.tables_added, "new table", "new tables"),
            _line(self.tables_removed, "table is gone", "tables are gone"),
            _line(self.columns_added, "new column", "new columns"),
            _line(self.columns_removed, "column is gone", "columns are gone"),
            _line(retyped, "column changed its type", "columns changed their types"),
        )
        return tuple(line for line in lines if line)


def compare(old: Mapping[str, TableShape], new: Mapping[str, TableShape]) -> CatalogChanges:
    """Shapes of the tables by name, before and now."""
    both = [name for name in new if name in old]
    return CatalogChanges(
        tables_added=tuple(sorted(name for name in new if name not in old)),
        tables_removed=tuple(sorted(name for name in old if name not in new)),
        columns_added=tuple(
            sorted(f"{table}.{c}" for table in both for c in new[table] if c not in old[table])
        ),
        columns_removed=tuple(
            sorted(f"{table}.{c}" for table in both for c in old[table] if c not in new[table])
        ),
        retyped=tuple(
            sorted(
                (f"{table}.{column}", old[table][column], kind)
                for table in both
                for column, kind in new[table].items()
                if old[table].get(column, kind) != kind
            )
        ),
    )


def _line(names: tuple[str, ...], one: str, many: str) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:NAMED])
    rest = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{len(names):,} {one if len(names) == 1 else many}: {shown}{rest}."
