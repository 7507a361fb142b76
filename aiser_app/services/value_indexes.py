"""Indexes of values: renewed by syncs, and given to planners with what the actor may know of them."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter

from aiser_app.access.known_values import may_know_values
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.catalog import Catalog
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import Policies
from aiser_app.domain.semantic_model import DimensionType, SemanticModel
from aiser_app.domain.value_index import ValueHit, ValueIndex
from aiser_app.query.catalog import GrantedTables
from aiser_app.query.request import QuerySource
from aiser_app.query.source_access import SourceAccess
from aiser_app.query.value_index import StoredValues, build_value_index
from aiser_app.services.step_lines import StepLines

log = logging.getLogger(__name__)

KEPT_OPEN = 64
KEPT_MEMBERS = 64

_Members = Mapping[tuple[str, str], Sequence[str]]
"""Dimensions by (table, column), of what the actor may know."""


class ValueIndexes:
    """One per process, over a folder with one file per source."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[tuple[int, int], StoredValues]] = OrderedDict()
        self._members: OrderedDict[tuple[str, str, int, Policies], _Members] = OrderedDict()

    def find_index(self, model: SemanticModel, granted: QuerySource) -> ValueIndex | None:
        """The values of a model's dimensions that `granted` lets know; None when none were read."""
        stored = self._opened(model.source_id)
        return _ModelValues(stored, self._members_of(model, granted)) if stored else None

    def renew(
        self,
        access: SourceAccess,
        source: DataSource,
        catalog: Catalog,
        cancel: CancelToken,
        steps: StepLines,
    ) -> None:
        """Read the values again. A sync that found everything else does not fail by this.

        Raises:
            QueryCancelled: `cancel` was set.
        """
        started = perf_counter()
        title = "Collect values to recognize in questions"
        steps.report("index", title, state="run")
        try:
            count = build_value_index(
                access.engine(source.engine),
                source,
                catalog,
                self._path(source.source_id),
                cancel=cancel,
            )
        except (OSError, sqlite3.Error) as error:
            log.warning(
                "value_index_not_written",
                extra={"source_id": source.source_id, "error": type(error).__name__},
            )
            steps.report("index", title, "There was no room to keep them.", state="fail")
            return
        milliseconds = (perf_counter() - started) * 1000
        steps.report("index", title, f"{count:,} values", duration_ms=milliseconds)

    def remove(self, source_id: str) -> None:
        self._path(source_id).unlink(missing_ok=True)

    def _path(self, source_id: str) -> Path:
        return self._folder / f"{source_id}.sqlite"

    def _opened(self, source_id: str) -> StoredValues | None:
        """The newest file of a source, opened once."""
        path = self._path(source_id)
        with self._lock:
            try:
                state = path.stat()
                mark = (state.st_ino, state.st_mtime_ns)
                known = self._open.get(source_id)
                if known is not None and known[0] == mark:
                    self._open.move_to_end(source_id)
                    return known[1]
                found = StoredValues(path)
            except FileNotFoundError:
                self._open.pop(source_id, None)
                return None
            except (OSError, sqlite3.Error):
                log.warning("value_index_not_read", extra={"source_id": source_id})
                return None
            # Whoever looks something up in an older one goes on; it is closed with its last use.
            self._open[source_id] = (mark, found)
            while len(self._open) > KEPT_OPEN:
                self._open.popitem(last=False)
            return found

    def _members_of(self, model: SemanticModel, granted: QuerySource) -> _Members:
        key = (model.source_id, granted.source.data_version, model.version, granted.policies)
        with self._lock:
            found = self._members.get(key)
        if found is None:
            found = _members(model, granted)
            with self._lock:
                self._members[key] = found
                while len(self._members) > KEPT_MEMBERS:
                    self._members.popitem(last=False)
        return found


def _members(model: SemanticModel, granted: QuerySource) -> _Members:
    policies = granted.policies
    if not policies.is_empty and isinstance(granted.tables, GrantedTables):
        granted.tables.load(cube.table for cube in model.cubes if cube.table)
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for cube in model.cubes:
        if not cube.table or cube.is_hidden:
            continue
        known = granted.tables.get(cube.table)
        for item in cube.dimensions:
            is_text = item.type is DimensionType.STRING and bool(item.column)
            if not is_text or item.is_hidden:
                continue
            if may_know_values(cube.table, item.column, known, policies):
                found[cube.table, item.column].append(f"{cube.name}.{item.name}")
    return dict(found)


class _ModelValues:
    """Values by the members of one model, as one actor may know them."""

    def __init__(self, stored: StoredValues, members: _Members) -> None:
        self._stored = stored
        self._members = members

    def find(self, phrases: Sequence[str]) -> list[ValueHit]:
        """As `ValueIndex.find`."""
        return [
            ValueHit(
                phrase=hit.phrase,
                member=member,
                value=hit.value,
                how=hit.how,
                score=hit.score,
                frequency=hit.frequency,
            )
            for hit in self._stored.find(phrases, self._members)
            for member in self._members.get((hit.table, hit.column), ())
        ]
