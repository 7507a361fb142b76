"""Reads the parts of a query from their sources at the same time, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from sqlglot import exp

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.verdict import Allowed
from aiser_app.errors import AiserError, QueryCancelled, QueryInvalid
from aiser_app.query.federation.gate import JudgedPart
from aiser_app.query.federation.holding import Holding, PartTooLarge
from aiser_app.query.federation.keys import Key, among, distinct_keys
from aiser_app.query.federation.plan import Part
from aiser_app.query.federation.reductions import expected_rows

log = logging.getLogger(__name__)

MAX_PARALLEL = 4
"""Parts that are read at the same time; the rest wait."""
WAIT_SECONDS = 2.0
"""How long a large part waits for the keys of a smaller one."""
WAIT_ROWS = 100_000
"""When the smaller part has so many rows already, nobody waits for it any longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PartFacts:
    """What came of a part."""

    part: Part
    columns: int
    rows: int
    bytes: int
    seconds: float
    is_filtered: bool
    """Whether its condition was sent."""
    reduced_by: tuple[tuple[str, int], ...] = ()
    """(name of the part whose keys were sent, how many they were)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PulledPart:
    facts: PartFacts
    table: pa.Table


@dataclass(slots=True)
class _Origin:
    """What is known of a part that others wait for."""

    settled: threading.Event = field(default_factory=threading.Event)
    table: pa.Table | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    rows: int
    bytes: int


class Pull:
    """The parts of one query on their way here; used once."""

    def __init__(self, parts: Sequence[JudgedPart], folder: Path, caps: Caps) -> None:
        """`folder` is private to this query, and removed by its owner."""
        self._parts = parts
        self._folder = folder
        self._caps = caps
        self._stop = CancelToken()
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._origins: Mapping[str, _Origin] = {judged.part.name: _Origin() for judged in parts}

    def run(self, timeout_seconds: float, cancel: CancelToken) -> list[PulledPart]:
        """Every part's rows. When one fails or somebody cancels, all stop in their databases.

        Raises:
            AiserError: the failure of the first part that failed, naming its source.
        """
        deadline = time.monotonic() + timeout_seconds
        unregister = cancel.on_cancel(lambda: self._stop.cancel(cancel.reason or "cancelled"))
        forget = self._stop.on_cancel(self._wake_all)
        try:
            with ThreadPoolExecutor(MAX_PARALLEL, thread_name_prefix="federated-part") as pool:
                # Smaller parts first: whoever waits for one then never keeps it from starting.
                futures = {
                    judged.part.name: pool.submit(self._guarded, judged, deadline)
                    for judged in sorted(self._parts, key=lambda j: expected_rows(j.part))
                }
            found = [futures[judged.part.name].result() for judged in self._parts]
        finally:
            unregister()
            forget()
        if self._error is not None:
            raise self._error
        return [part for part in found if part is not None]

    def _guarded(self, judged: JudgedPart, deadline: float) -> PulledPart | None:
        """A part's rows; None after a failure, which stops the others as well."""
        try:
            return self._pulled(judged, deadline)
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            with self._lock:
                if self._error is None:
                    self._error = _named(error, judged.part)
            self._stop.cancel("part_failed")
            return None
        finally:
            self._origins[judged.part.name].settled.set()

    def _wake_all(self) -> None:
        for origin in self._origins.values():
            origin.settled.set()

    def _pulled(self, judged: JudgedPart, deadline: float) -> PulledPart:
        part, allowed = judged.part, judged.allowed
        keys = self._keys_for(part, deadline)
        conditions = [part.condition] if part.condition is not None else []
        conditions += [among(part.reductions[index], values) for index, values in keys.items()]
        if keys:
            allowed = judged.judged(exp.and_(*conditions))
        try:
            return self._read(judged, allowed, deadline, keys, bool(part.condition))
        except QueryInvalid as error:
            if not conditions or isinstance(error.__cause__, PartTooLarge):
                raise
            # Leaving rows out is only for speed: a database that cannot do it sends them all.
            log.warning("pushdown_refused", extra={"engine": part.source.engine.name})
            return self._read(judged, judged.judged(None), deadline, {}, False)

    def _keys_for(self, part: Part, deadline: float) -> dict[int, list[Key]]:
        """By position of the reduction; only of smaller parts that are complete in time."""
        found: dict[int, list[Key]] = {}
        for index, reduction in enumerate(part.reductions):
            origin = self._origins[reduction.origin]
            origin.settled.wait(max(0.0, min(WAIT_SECONDS, deadline - time.monotonic())))
            if origin.table is not None:
                keys = distinct_keys(origin.table, reduction.origin_column)
                if keys is not None:
                    found[index] = keys
        return found

    def _read(
        self,
        judged: JudgedPart,
        allowed: Allowed,
        deadline: float,
        keys: Mapping[int, list[Key]],
        is_filtered: bool,
    ) -> PulledPart:
        part, started = judged.part, time.monotonic()
        origin = self._origins[part.name]
        with part.source.engine.stream(
            part.source.source,
            allowed.statement,
            timeout_seconds=max(0.001, deadline - started),
            cancel=self._stop,
        ) as stream:
            holding = Holding(
                stream.schema, self._folder, max_rows=self._caps.rows, max_bytes=self._caps.bytes
            )
            try:
                for batch in stream:
                    holding.add(batch)
                    if holding.rows > WAIT_ROWS:
                        origin.settled.set()
                table = holding.table()
            except PartTooLarge as error:
                raise _too_large(part, error) from error
            finally:
                holding.close()
        if not origin.settled.is_set():
            origin.table = table
            origin.settled.set()
        facts = PartFacts(
            part=part,
            columns=table.num_columns,
            rows=holding.rows,
            bytes=holding.bytes,
            seconds=time.monotonic() - started,
            is_filtered=is_filtered,
            reduced_by=tuple(
                (part.reductions[index].origin, len(values)) for index, values in keys.items()
            ),
        )
        return PulledPart(facts=facts, table=table)


def _too_large(part: Part, error: PartTooLarge) -> QueryInvalid:
    times = [
        c for c in part.table.columns if part.table.column_types.get(c) in ("date", "timestamp")
    ]
    example = f", for instance by {times[0]}" if times else ""
    return QueryInvalid(
        f"{part.address} would bring {error.what} into this join over several sources.",
        hint=f"Filter {part.address}{example}, or aggregate it in its own source first.",
    )


def _named(error: BaseException, part: Part) -> BaseException:
    """The same error, saying which source it is about."""
    if not isinstance(error, AiserError) or isinstance(error, QueryCancelled):
        return error
    if part.source.name in error.message:
        return error
    named = type(error)(f"“{part.source.name}”: {error.message}", hint=error.hint)
    named.__cause__ = error
    return named
