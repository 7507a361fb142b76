"""What a worker process works with. Importing this loads the agent stack, once per process."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from aiser_app.agent.loop import AgentLoop
from aiser_app.agent.reading_model import reading_model
from aiser_app.bootstrap.data_access import DataAccess, build_data_access
from aiser_app.bootstrap.scheduler import SchedulerParts, build_scheduler
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventLog
from aiser_app.broker.worker_registry import WorkerRegistry
from aiser_app.config import Settings, current_settings
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.run import Run, RunKind
from aiser_app.query.router import QueryRouter
from aiser_app.services.answering import Answering, AnsweringLimits
from aiser_app.services.clean_up import CleanUp
from aiser_app.services.evaluating import Evaluating, EvaluationDesks
from aiser_app.services.ingesting import Ingesting
from aiser_app.services.journals import RunJournal
from aiser_app.services.query_requests import QueryRequests
from aiser_app.services.querying import Querying
from aiser_app.services.run_execution import RunExecution, Work, succeeding
from aiser_app.services.run_lifecycle import RunLifecycle
from aiser_app.services.seeding import Seeding, followed_by_seeding
from aiser_app.services.step_lines import StepLines
from aiser_app.services.syncing import Syncing
from aiser_app.services.value_indexes import ValueIndexes
from aiser_app.tools.builtin.ask_user import AskUser
from aiser_app.tools.builtin.generate_chart import GenerateChart
from aiser_app.tools.builtin.query_data import QueryData
from aiser_app.tools.registry import ToolRegistry


@dataclass(frozen=True, kw_only=True)
class WorkerParts:
    name: str
    settings: Settings
    scheduler: SchedulerParts
    workers: WorkerRegistry
    data: DataAccess
    execution: RunExecution

    def close(self) -> None:
        """Give back every connection."""
        self.data.close()
        self.scheduler.engine.dispose()
        self.scheduler.redis.close()


_lock = threading.Lock()
_parts: WorkerParts | None = None


def worker_parts() -> WorkerParts:
    """The parts of this process, built at first use."""
    global _parts
    with _lock:
        if _parts is None:
            _parts = build_worker(current_settings())
        return _parts


def execution() -> RunExecution:
    return worker_parts().execution


def lifecycle() -> RunLifecycle:
    return worker_parts().scheduler.lifecycle


def clean_up() -> CleanUp:
    return worker_parts().scheduler.clean_up


def build_worker(settings: Settings) -> WorkerParts:
    """Wire everything up for the given settings.

    Raises:
        ServiceUnavailable: an address is missing, that is, nothing is running.
    """
    shared = build_scheduler(settings)
    data = build_data_access(settings)
    name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    return WorkerParts(
        name=name,
        settings=settings,
        scheduler=shared,
        workers=WorkerRegistry(shared.redis),
        data=data,
        execution=RunExecution(
            worker=name,
            lifecycle=shared.lifecycle,
            events=RunEventLog(shared.redis),
            control=RunControl(shared.redis),
            works=_works(settings, shared, data),
        ),
    )


def _works(settings: Settings, shared: SchedulerParts, data: DataAccess) -> dict[RunKind, Work]:
    """What this process does with a run, by kind."""
    engine = shared.engine
    events = RunEventLog(shared.redis)

    def seeded(work: Callable[[Run, CancelToken, StepLines], Mapping[str, Any]]) -> Work:
        return followed_by_seeding(succeeding(work), shared.queue, events)

    values = ValueIndexes(settings.values_dir)
    answering, desks = _asking(settings, engine, data, values)
    querying = Querying(
        engine,
        requests=QueryRequests(dialects=data.sources.dialects),
        router_for=data.router,
    )
    return {
        RunKind.ASK: answering.work,
        RunKind.QUERY: querying.work,
        RunKind.SYNC: seeded(
            Syncing(engine, access=data.sources, cube=data.cube, values=values).work
        ),
        RunKind.EVALUATE: Evaluating(engine, desks).work,
        RunKind.SEED: Seeding(desks).work,
        RunKind.INGEST: seeded(
            Ingesting(
                engine,
                access=data.sources,
                sources_dir=settings.sources_dir,
                uploads_dir=settings.uploads_dir,
                values=values,
            ).work
        ),
    }


def _asking(
    settings: Settings, engine: Engine, data: DataAccess, values: ValueIndexes
) -> tuple[Answering, EvaluationDesks]:
    """What asks the agent: for people, and for measuring it."""

    def router_for(run: Run) -> QueryRouter:
        return data.router(RunJournal(engine=engine, run=run))

    agent = AgentLoop(ToolRegistry([QueryData(), GenerateChart(), AskUser()]), reading_model)
    desks = EvaluationDesks(
        engine,
        agent=agent,
        router_for=data.router,
        results=data.store,
        dialects=data.sources.dialects,
        row_limit=settings.result_row_limit,
        query_seconds=settings.query_timeout_seconds,
        values=values,
    )
    answering = Answering(
        engine,
        agent=agent,
        router_for=router_for,
        results=data.store,
        dialects=data.sources.dialects,
        limits=AnsweringLimits(
            row_limit=settings.result_row_limit,
            query_timeout_seconds=settings.query_timeout_seconds,
        ),
        values=values,
    )
    return answering, desks
