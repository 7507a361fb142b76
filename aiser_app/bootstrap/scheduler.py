"""What the scheduler works with; also the part of it that workers share. Light: no agent stack."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from aiser_app.broker.connection import Connection, connect
from aiser_app.broker.job_queue import JobQueue
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventLog
from aiser_app.config import Settings, current_settings
from aiser_app.db.engine import open_engine
from aiser_app.errors import ServiceUnavailable
from aiser_app.services.clean_up import CleanUp
from aiser_app.services.run_lifecycle import RunLifecycle


@dataclass(frozen=True, kw_only=True)
class SchedulerParts:
    engine: Engine
    redis: Connection
    queue: JobQueue
    lifecycle: RunLifecycle
    clean_up: CleanUp


def build_scheduler(settings: Settings | None = None) -> SchedulerParts:
    """Wire up the reaper and the clean-up.

    Raises:
        ServiceUnavailable: an address is missing, that is, nothing is running.
    """
    settings = settings or current_settings()
    if not settings.database_url or not settings.redis_url:
        raise ServiceUnavailable(
            "Aiser is not running here.", hint="Start it with `make run`, or set DATABASE_URL."
        )
    engine = open_engine(settings.database_url, pool_size=4)
    redis = connect(settings.redis_url)
    queue = JobQueue(redis)
    return SchedulerParts(
        engine=engine,
        redis=redis,
        queue=queue,
        lifecycle=RunLifecycle(
            engine, events=RunEventLog(redis), control=RunControl(redis), queue=queue
        ),
        clean_up=CleanUp(
            engine,
            results_dir=settings.results_dir,
            uploads_dir=settings.uploads_dir,
            record_days=settings.record_days,
            result_days=settings.result_days,
            results_max_bytes=settings.results_max_gb * 1024**3,
        ),
    )
