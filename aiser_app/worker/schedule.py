"""The scheduler: mends runs whose worker died, and enqueues what is due. One acts at a time."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import UTC, datetime
from types import FrameType

from aiser_app.bootstrap.scheduler import SchedulerParts, build_scheduler
from aiser_app.broker.job_queue import BACKGROUND, JobName
from aiser_app.broker.lock import exclusive
from aiser_app.config import current_settings
from aiser_app.errors import ServiceUnavailable
from aiser_app.observability.logging import configure_logging

log = logging.getLogger(__name__)

TICK_SECONDS = 2.0
LOCK_SECONDS = 30.0
"""A tick takes milliseconds; a scheduler that hangs for longer is overtaken by the next one."""


def tick(parts: SchedulerParts, *, hour: str) -> int:
    """One round; returns how many runs it mended. Does nothing while another scheduler acts.

    Raises:
        ServiceUnavailable: Postgres or Redis does not answer.
    """
    with exclusive(parts.redis, "scheduler", seconds=LOCK_SECONDS) as mine:
        if not mine:
            return 0
        mended = parts.lifecycle.requeue_or_fail_lost()
        parts.queue.enqueue_once(JobName.CLEAN_UP, period=hour, queue=BACKGROUND)
        return mended


def work(parts: SchedulerParts, stopping: threading.Event) -> None:
    """Tick until told to stop; outages are waited out."""
    is_down = False
    while not stopping.wait(TICK_SECONDS):
        try:
            tick(parts, hour=f"{datetime.now(UTC):%Y-%m-%dT%H}")
        except ServiceUnavailable as error:
            if not is_down:
                log.warning("scheduler_waits", extra={"why": error.message})
            is_down = True
        except Exception:
            log.exception("scheduler_tick_failed")
        else:
            if is_down:
                log.info("scheduler_goes_on")
            is_down = False


def main() -> int:
    settings = current_settings()
    configure_logging(settings.log_level, process="scheduler")
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    parts = build_scheduler(settings)
    log.info("scheduler_started")
    work(parts, stopping)
    parts.engine.dispose()
    parts.redis.close()
    log.info("scheduler_stopped")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
