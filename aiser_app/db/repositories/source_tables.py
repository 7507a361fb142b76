from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from itertools import islice
from typing import Any

from sqlalchemy import delete, func, insert
from sqlmodel import Session, col, select

from aiser_app.db.models import SourceTableRow
from aiser_app.db.storable import storable, storable_text
from aiser_app.domain.catalog import ColumnProfile, SourceTable
from aiser_app.domain.encoding import decode, encode
from aiser_app.errors import NotFound

BATCH_ROWS = 500
"""Rows per statement: some megabytes, with the columns of each table in its row."""
MAX_NAME = 400
"""As in the table; PostgreSQL names have 63 characters, others up to a few hundred."""
_DEFAULTS = {
    item.name: [] if item.default == () else item.default
    for item in fields(ColumnProfile)
    if item.default is not MISSING
}


class SourceTableRepository:
    """The tables of a source as its last sync found them, one row each."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def replace_all(
        self, organization_id: str, source_id: str, tables: Iterable[SourceTable]
    ) -> int:
        """Write these tables instead of those before; returns how many were written.

        A name that is too long to be kept is left out, as is a second table of the same name.
        """
        self.delete_of_source(organization_id, source_id)
        rows = _rows(organization_id, source_id, tables)
        written = 0
        while batch := list(islice(rows, BATCH_ROWS)):
            self._session.execute(insert(SourceTableRow), batch)
            written += len(batch)
        return written

    def delete_of_source(self, organization_id: str, source_id: str) -> None:
        self._session.execute(
            delete(SourceTableRow).where(
                col(SourceTableRow.source_id) == source_id,
                col(SourceTableRow.organization_id) == organization_id,
            )
        )

    def names(self, source_id: str) -> list[str]:
        """All of them, in order, without anything else."""
        found = self._session.exec(
            select(SourceTableRow.name)
            .where(SourceTableRow.source_id == source_id)
            .order_by(col(SourceTableRow.position))
        )
        return list(found)

    def find_many(self, source_id: str, names: Sequence[str]) -> list[SourceTable]:
        """Those that there are, in order."""
        if not names:
            return []
        rows = self._session.exec(
            select(SourceTableRow)
            .where(SourceTableRow.source_id == source_id, col(SourceTableRow.name).in_(names))
            .order_by(col(SourceTableRow.position))
        )
        return [_table(row) for row in rows]

    def get(self, source_id: str, name: str) -> SourceTable:
        """Raises `NotFound`."""
        found = self.find_many(source_id, [name])
        if not found:
            raise NotFound(
                "There is no such table in this source.", hint="Synchronize the source again."
            )
        return found[0]

    def list_page(
        self, source_id: str, *, search: str = "", offset: int = 0, limit: int = 100
    ) -> tuple[list[SourceTable], int]:
        """A page of the tables whose name holds `search`, in order, and how many there are in all."""
        wanted = [col(SourceTableRow.source_id) == source_id]
        if search.strip():
            name = storable_text(search.strip())
            wanted.append(col(SourceTableRow.name).icontains(name, autoescape=True))
        total = self._session.exec(
            select(func.count()).select_from(SourceTableRow).where(*wanted)
        ).one()
        rows = self._session.exec(
            select(SourceTableRow)
            .where(*wanted)
            .order_by(col(SourceTableRow.position))
            .offset(offset)
            .limit(limit)
        )
        return [_table(row) for row in rows], total

    def hidden_names(self, source_id: str) -> set[str]:
        """Tables that are hidden from the agent."""
        rows = self._session.exec(
            select(SourceTableRow.name).where(
                SourceTableRow.source_id == source_id,
                col(SourceTableRow.content)["hidden_from_ai"].as_boolean(),
            )
        )
        return set(rows)

    def set_hidden(self, source_id: str, name: str, *, hidden: bool) -> bool:
        """Hide a table from the agent, or show it again; False when there is no such table."""
        row = self._session.exec(
            select(SourceTableRow)
            .where(SourceTableRow.source_id == source_id, SourceTableRow.name == name)
            .with_for_update()
        ).first()
        if row is None:
            return False
        row.content = {**row.content, "hidden_from_ai": hidden}
        self._session.add(row)
        self._session.flush()
        return True

    def shapes(self, source_id: str) -> Mapping[str, Mapping[str, str]]:
        """Native types by table and column: what two syncs are compared by."""
        rows = self._session.execute(
            select(SourceTableRow.name, col(SourceTableRow.content)["table"]["columns"]).where(
                SourceTableRow.source_id == source_id
            )
        )
        return {
            name: {column["name"]: column.get("native_type", "") for column in columns}
            for name, columns in rows
        }


def _rows(
    organization_id: str, source_id: str, tables: Iterable[SourceTable]
) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for position, item in enumerate(tables):
        name = storable_text(item.table.name)
        if len(name) > MAX_NAME or name in seen:
            continue
        seen.add(name)
        content = encode(item)
        content["table"]["columns"] = [_compact(column) for column in content["table"]["columns"]]
        yield {
            "source_id": source_id,
            "name": name,
            "organization_id": organization_id,
            "position": position,
            "row_estimate": item.table.row_count,
            "content": storable(content),
        }


def _compact(column: dict[str, Any]) -> dict[str, Any]:
    """Without what `decode` fills in again: most facts of most columns are not known."""
    return {
        key: value
        for key, value in column.items()
        if key not in _DEFAULTS
        or value != _DEFAULTS[key]
        or type(value) is not type(_DEFAULTS[key])
    }


def _table(row: SourceTableRow) -> SourceTable:
    return decode(SourceTable, row.content)
