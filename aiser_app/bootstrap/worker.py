"""What a worker process works with. Importing this loads the agent stack, once per process."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from dataclasses import dataclass

from aiser_app.agent.loop import AgentLoop
from aiser_app.bootstrap.scheduler import SchedulerParts, build_scheduler
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventLog
from aiser_app.broker.worker_registry import WorkerRegistry
from aiser_app.config import Settings, current_settings
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.result import Result
from aiser_app.domain.run import Run
from aiser_app.planner.chat_model import PlannerChatModel
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from aiser_app.services.answering import Answering, AnsweringLimits
from aiser_app.services.clean_up import CleanUp
from aiser_app.services.run_lifecycle import RunLifecycle
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
    duckdb: DuckDBEngine
    answering: Answering

    def close(self) -> None:
        """Give back every connection."""
        self.duckdb.close()
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


def answering() -> Answering:
    return worker_parts().answering


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
    name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    store = ResultStore(settings.results_dir)
    duckdb = DuckDBEngine(settings.sources_dir)
    engines = {duckdb.name: duckdb}

    def router_for(run: Run) -> QueryRouter:
        def record(result: Result) -> None:
            with UnitOfWork(shared.engine) as uow:
                uow.results.add(result, run_id=run.run_id, user_id=run.user_id)
                uow.commit()

        return QueryRouter(engines, store, record)

    return WorkerParts(
        name=name,
        settings=settings,
        scheduler=shared,
        workers=WorkerRegistry(shared.redis),
        duckdb=duckdb,
        answering=Answering(
            shared.engine,
            worker=name,
            lifecycle=shared.lifecycle,
            events=RunEventLog(shared.redis),
            control=RunControl(shared.redis),
            agent=AgentLoop(
                ToolRegistry([QueryData(), GenerateChart(), AskUser()]),
                lambda context: PlannerChatModel(
                    model=context.model, today=context.today, previous=context.previous
                ),
            ),
            router_for=router_for,
            results=store,
            limits=AnsweringLimits(
                row_limit=settings.result_row_limit,
                query_timeout_seconds=settings.query_timeout_seconds,
            ),
        ),
    )
