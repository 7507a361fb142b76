"""Removes what nobody can reach any more, and results for which there is no time or room left."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from aiser_app.db.repositories.results import KeptResult
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.query.results.files import (
    LEFTOVER_SECONDS,
    StoredFile,
    remove_leftovers,
    stored_files,
)
from aiser_app.services.upload_files import clean_uploads

log = logging.getLogger(__name__)

_CHUNK = 500
"""Results that are looked up at once."""


class CleanUp:
    """The envelope of a result stays for ever, with its SQL and facts; only rows are removed."""

    def __init__(
        self,
        engine: Engine,
        *,
        results_dir: Path,
        uploads_dir: Path | None = None,
        record_days: int = 90,
        result_days: int = 7,
        results_max_bytes: int = 20 * 1024**3,
    ) -> None:
        self._engine = engine
        self._results_dir = results_dir
        self._uploads_dir = uploads_dir
        self._record_lifetime = timedelta(days=record_days)
        self._lifetime = timedelta(days=result_days)
        self._max_bytes = results_max_bytes

    def run(self, now: datetime | None = None) -> int:
        """Ended sessions, old records of queries, leftovers of dead processes, rows that are over.

        Returns the number of removed files.

        Rows of a run that is still open are never removed. Whoever reads a result while its rows
        are removed reads on to the end.
        """
        moment = now or datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            uow.sessions.delete_expired(moment)
            uow.query_records.delete_before(moment - self._record_lifetime)
            uow.commit()
        leftovers = remove_leftovers(self._results_dir)
        uploads = clean_uploads(self._uploads_dir) if self._uploads_dir is not None else 0
        orphans, expired, kept = self._sorted_out(moment)
        counts = {
            "leftover_files": leftovers,
            "leftover_uploads": uploads,
            "orphan_files": _remove(orphans),
            "expired_results": _remove(expired),
            "results_over_size": _remove(self._too_many(kept)),
        }
        log.info("cleaned_up", extra=counts)
        return sum(counts.values())

    def _sorted_out(
        self, moment: datetime
    ) -> tuple[list[StoredFile], list[StoredFile], list[tuple[StoredFile, KeptResult]]]:
        """(files of no result, results that are over, those that stay for now)."""
        orphans: list[StoredFile] = []
        expired: list[StoredFile] = []
        kept: list[tuple[StoredFile, KeptResult]] = []
        for file, result in self._with_envelopes():
            if result is None:
                # Rows are complete a moment before their envelope is written.
                if moment.timestamp() - file.linked_at > LEFTOVER_SECONDS:
                    orphans.append(file)
            elif not result.is_in_use and result.created_at < moment - self._lifetime:
                expired.append(file)
            else:
                kept.append((file, result))
        return orphans, expired, kept

    def _with_envelopes(self) -> Iterator[tuple[StoredFile, KeptResult | None]]:
        everything = list(stored_files(self._results_dir))
        for start in range(0, len(everything), _CHUNK):
            files = everything[start : start + _CHUNK]
            with UnitOfWork(self._engine) as uow:
                found = uow.results.find_kept([file.result_id for file in files])
            for file in files:
                result = found.get(file.result_id)
                is_own = result is not None and result.organization_id == file.organization_id
                yield file, result if is_own else None

    def _too_many(self, kept: list[tuple[StoredFile, KeptResult]]) -> list[StoredFile]:
        """The oldest rows beyond the size limit; what several results share counts once."""
        shared: dict[tuple[int, int], list[tuple[StoredFile, KeptResult]]] = defaultdict(list)
        for file, result in kept:
            shared[file.content].append((file, result))
        total = sum(links[0][0].size for links in shared.values())
        removable = [
            [file for file, _ in links]
            for links in shared.values()
            if not any(result.is_in_use for _, result in links)
        ]
        removable.sort(key=lambda files: max(file.linked_at for file in files))
        chosen: list[StoredFile] = []
        for files in removable:
            if total <= self._max_bytes:
                break
            total -= files[0].size
            chosen.extend(files)
        return chosen


def _remove(files: Iterable[StoredFile]) -> int:
    removed = 0
    for file in files:
        try:
            file.path.unlink()
        except FileNotFoundError:
            continue
        removed += 1
    return removed
