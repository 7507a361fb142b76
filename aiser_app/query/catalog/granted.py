"""The tables of a source as the guard looks them up: thousands by name, a few of them in full."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from typing_extensions import override

from aiser_app.domain.catalog import TableProfile
from aiser_app.domain.policy import GrantedTable

LoadTables: TypeAlias = Callable[[Sequence[str]], Sequence[GrantedTable]]
KEPT = 64
"""Sources whose tables a process keeps in mind."""


class GrantedTables(Mapping[str, GrantedTable]):
    """By exact name. Names cost nothing; a table is loaded when it is asked for, once."""

    def __init__(self, names: Iterable[str], load: LoadTables) -> None:
        self._names = dict.fromkeys(names)
        self._load = load
        self._loaded: dict[str, GrantedTable] = {}

    @override
    def __getitem__(self, name: str) -> GrantedTable:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._loaded:
            self.load([name])
        return self._loaded[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    @override
    def __len__(self) -> int:
        return len(self._names)

    @override
    def __contains__(self, name: object) -> bool:
        """Without loading it, which is what the mapping's own way would do."""
        return name in self._names

    def load(self, names: Iterable[str]) -> None:
        """Load several at once; unknown names and those that are loaded cost nothing.

        Of a table that is gone since its name was read nothing is known: it comes as a view that
        may read anything.
        """
        missing = [name for name in names if name in self._names and name not in self._loaded]
        if missing:
            found = {table.name: table for table in self._load(missing)}
            for name in missing:
                self._loaded[name] = found.get(name) or GrantedTable(name=name, is_view=True)


class GrantedTablesCache:
    """Per process, by source and version of its data: a sync makes a new entry."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._found: OrderedDict[tuple[str, str], GrantedTables] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self, source_id: str, data_version: str, make: Callable[[], GrantedTables]
    ) -> GrantedTables:
        """The tables of that version; `make` is called when they are not in mind."""
        key = source_id, data_version
        with self._lock:
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._found[key] = made
            for old in [old for old in self._found if old[0] == source_id and old != key]:
                del self._found[old]
            while len(self._found) > self._kept:
                self._found.popitem(last=False)
        return made


def granted(table: TableProfile) -> GrantedTable:
    """What the guard must know of a table."""
    return GrantedTable(
        name=table.name,
        columns=tuple(column.name for column in table.columns),
        column_types={column.name: column.type for column in table.columns},
        is_view=table.is_view,
        depends_on=table.depends_on,
        row_estimate=table.row_count or None,
    )
