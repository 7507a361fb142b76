"""The route by way of Cube: for semantic queries over a source that has one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import EngineUnavailable, QueryInvalid, QueryTimedOut
from aiser_app.query.cache import cache_key
from aiser_app.query.cube.access import CubeAccess, reached
from aiser_app.query.cube.client import CubeClient
from aiser_app.query.cube.expressing import LoadPlan, express
from aiser_app.query.cube.failures import CubeFailed, CubeNotUsed, CubeUnreachable
from aiser_app.query.cube.reading import check_sql
from aiser_app.query.cube.rows import CubeRows, typed_rows
from aiser_app.query.cube.stored_types import with_stored_types
from aiser_app.query.cube.token import context_of
from aiser_app.query.cube.transport import Patience
from aiser_app.query.prepared import Prepared
from aiser_app.query.request import QueryRequest

ROUTE = "cube"
"""Of results, and their engine: where Cube reads is its own affair."""
ANSWER_SECONDS = 10.0
"""For Cube to say anything; while it works on a query it says so every five seconds."""
DOWN_SECONDS = 10.0
"""After a Cube did not answer, so long nobody of this process waits for it again."""
_WHY = "Cube answered, by its own model and its own rules for this person."
_WHY_ROLLUP = "Cube answered from a rollup that it keeps, by its own rules for this person."


class CubeRoute:
    """One per process: it remembers which Cubes were down a moment ago."""

    def __init__(self, access: CubeAccess, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._access = access
        self._answer_seconds = answer_seconds
        self._down: dict[str, float] = {}

    @staticmethod
    def is_for(request: QueryRequest) -> bool:
        """Whether the request's source has a Cube, and it is no SQL, which Cube does not take."""
        is_single = len(request.sources) == 1 and request.semantic is not None
        return is_single and bool(request.main.source.cube_url)

    def plan(self, request: QueryRequest, seconds: float) -> CubePlan:
        """What would be asked of Cube; nothing is sent.

        Raises:
            CubeNotUsed: Cube has no words for it.
        """
        asked = request.semantic
        if asked is None:
            raise CubeNotUsed("Cube takes no SQL.")
        load = express(
            asked.query,
            asked.model,
            row_limit=request.limit,
            columns=request.columns,
            members=asked.members,
        )
        load = with_stored_types(load, asked.model, request.main.tables)
        return CubePlan(
            access=self._access,
            request=replace(request, columns=tuple(item.column for item in load.columns)),
            load=load,
            until=time.monotonic() + seconds,
            answer_seconds=self._answer_seconds,
            down=self._down,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CubePlan:
    """A query on its way to Cube."""

    access: CubeAccess
    request: QueryRequest
    """With the columns of the result, also where our compiler knows none."""
    load: LoadPlan
    until: float
    """By `time.monotonic`: when the time of the request is over."""
    answer_seconds: float
    down: dict[str, float]
    """By address: until when a Cube counts as down."""

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.until - time.monotonic())

    @property
    def key(self) -> str:
        """Of the cache: besides the usual, all that Cube's rules may know of the person."""
        request = self.request
        return cache_key(
            sql=request.sql,
            parameters=(),
            limit=request.limit,
            sources=(request.main.source,),
            claims=request.actor.claims,
            policies=(request.main.policies,),
            route=(
                ROUTE,
                request.main.source.cube_url,
                json.dumps(context_of(request.actor), sort_keys=True),
                json.dumps(self.load.query, sort_keys=True),
            ),
        )

    def prepare(self, dialect: str, cancel: CancelToken) -> Prepared:
        """The query, ready to run, after its SQL was judged.

        Raises:
            CubeNotUsed: it has to go another way: Cube fails, or would read what the person may not.
            QueryCancelled, QueryTimedOut: it was stopped.
        """
        source, load = self.request.main.source, self.load
        if time.monotonic() < self.down.get(source.cube_url, 0.0):
            raise CubeUnreachable("Cube did not answer a moment ago.")
        client = self.access.client(source)
        token = self.access.token(source, self.request.actor, self.seconds_left)
        # Half of the time is left for the other way, if Cube says nothing.
        patience = self._patience(self.seconds_left / 2, cancel)
        try:
            found = reached(lambda: client.sql(load.query, load.members, token, patience))
        except CubeUnreachable:
            self.down[source.cube_url] = time.monotonic() + DOWN_SECONDS
            raise
        read = check_sql(found, self.request, dialect)
        run = _Run(client=client, token=token)

        @contextmanager
        def open_rows(_seconds: float, stop: CancelToken) -> Iterator[CubeRows]:
            yield run.rows(load, self._patience(self.seconds_left, stop))

        return Prepared(
            sources=(source,),
            sql=read.sql,
            parameters=(),
            tables=read.tables,
            policies=(),
            engine=ROUTE,
            route=ROUTE,
            open_rows=open_rows,
            why=lambda: _WHY if read.tables else _WHY_ROLLUP,
            explain=lambda _actual, _seconds, _cancel: None,
            read_at=lambda: run.read_at,
        )

    def _patience(self, seconds: float, cancel: CancelToken) -> Patience:
        answer_seconds = min(self.answer_seconds, seconds)
        return Patience(until=self.until, answer_seconds=answer_seconds, cancel=cancel)


@dataclass(kw_only=True, slots=True)
class _Run:
    client: CubeClient
    token: str
    read_at: datetime | None = None

    def rows(self, load: LoadPlan, patience: Patience) -> CubeRows:
        try:
            results = reached(
                lambda: self.client.load(load.query, load.members, self.token, patience)
            )
        except QueryTimedOut as error:
            raise QueryTimedOut(
                error.message, hint="Ask for less, or give Cube a rollup for it."
            ) from None
        self.read_at = _oldest(results)
        return typed_rows(load, results)


def _oldest(results: Sequence[Mapping[str, Any]]) -> datetime | None:
    """When the data that was used was read; None when Cube does not say."""
    moments = []
    for result in results:
        try:
            moments.append(datetime.fromisoformat(str(result.get("lastRefreshTime"))))
        except ValueError:
            return None
    return min(at if at.tzinfo else at.replace(tzinfo=UTC) for at in moments)


def fallback_notes(error: CubeNotUsed) -> tuple[str, ...]:
    """What a reader should know beside an answer that should have come from Cube."""
    if not isinstance(error, CubeFailed):
        return ()
    return (
        f"{error.message} Aiser's own compiler answered from the source instead; "
        "rules and rollups of Cube had no part in it.",
    )


def check_written(request: QueryRequest) -> None:
    """Raises the compiler's own error for a query that has no SQL."""
    if request.semantic is not None and request.semantic.refusal is not None:
        raise request.semantic.refusal


def check_other_way(request: QueryRequest, refused: CubeNotUsed) -> None:
    """Whether there is SQL to run instead.

    Raises:
        EngineUnavailable: Cube fails, and nobody else can compute it.
        QueryInvalid: neither Cube nor our compiler can express it.
    """
    refusal = request.semantic.refusal if request.semantic is not None else None
    if refusal is None:
        return
    if isinstance(refused, CubeFailed):
        raise EngineUnavailable(f"{refused.message} {refusal.message}", hint=refused.hint)
    raise QueryInvalid(f"{refused.message} {refusal.message}", hint=refusal.hint)
