"""The worker process: preloads the agent stack, says that it is alive, takes jobs until told to stop.

Jobs run in this process, so that pools stay open and the agent stack is loaded once;
see docs/decisions/0008-simple-worker.md.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import FrameType

from redis.exceptions import RedisError

from aiser_app.bootstrap.worker import WorkerParts, worker_parts
from aiser_app.config import current_settings
from aiser_app.errors import ServiceUnavailable
from aiser_app.observability.logging import configure_logging
from aiser_app.worker.queue_worker import QueueWorker

log = logging.getLogger(__name__)

BEAT_SECONDS = 3.0
FINISH_SECONDS = 4.0
"""After a request to stop, the run in hand has this long to end; then it goes back to the queue."""
RETRY_SECONDS = 1.0


def interrupt_when_told(stop: Callable[[], None]) -> None:
    """Call `stop` a while after a request to stop, whatever this process does at that moment.

    Python's own handlers wait for the main thread, and that waits for the database inside a driver.
    The bytes that the interpreter writes for each signal come at once.
    """
    told, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)

    def listen() -> None:
        while received := told.recv(64):
            if signal.SIGTERM in received or signal.SIGINT in received:
                interrupt = threading.Timer(FINISH_SECONDS, stop)
                interrupt.daemon = True
                interrupt.start()
        wake.close()

    threading.Thread(target=listen, name="stop-listener", daemon=True).start()


class Heartbeat:
    """Tells the registry every few seconds that this worker is alive and what it does."""

    def __init__(self, parts: WorkerParts) -> None:
        self._parts = parts
        self._done = threading.Event()
        self._info = {"pid": os.getpid(), "started_at": datetime.now(UTC).isoformat()}
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join(timeout=BEAT_SECONDS)
        try:
            self._parts.workers.forget(self._parts.name)
        except ServiceUnavailable:
            log.warning("worker_not_forgotten")

    def _beat(self) -> None:
        while not self._done.is_set():
            info = {**self._info, "busy": self._parts.execution.is_busy}
            try:
                self._parts.workers.beat(self._parts.name, info)
            except ServiceUnavailable:
                log.warning("heartbeat_missed")
            self._done.wait(BEAT_SECONDS)


def take_jobs(parts: WorkerParts, stopping: threading.Event) -> None:
    """Work until told to stop. RQ gives up when Redis restarts; this does not."""
    while not stopping.is_set():
        try:
            QueueWorker(parts.settings, parts.name, stopping).work(logging_level=None)
        except RedisError as error:
            log.warning("queue_lost", extra={"error": type(error).__name__})
        except ValueError as error:
            # RQ still knows a worker of this name from before an outage.
            log.warning("queue_not_joined", extra={"why": str(error)})
            with suppress(RedisError):
                parts.scheduler.redis.delete(f"rq:worker:{parts.name}")
        if not stopping.is_set():
            log.info("queue_joined_again_soon")
            stopping.wait(RETRY_SECONDS)


def main() -> int:
    settings = current_settings()
    configure_logging(settings.log_level, process="worker")
    for name in ("rq.worker", "rq.job"):
        # A line per heartbeat and job says less than our own; RQ leaves a level alone that is set.
        logging.getLogger(name).setLevel(logging.WARNING)
    stopping = threading.Event()

    def stop_early(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    # Until RQ installs its own: while it starts, and between two tries to join the queue.
    signal.signal(signal.SIGTERM, stop_early)
    signal.signal(signal.SIGINT, stop_early)
    parts = worker_parts()
    # What is loaded by now stays: looking through it for rubbish would stop a query for long.
    gc.freeze()
    interrupt_when_told(parts.execution.stop)
    heartbeat = Heartbeat(parts)
    heartbeat.start()
    log.info("worker_ready", extra={"worker": parts.name})
    try:
        take_jobs(parts, stopping)
    finally:
        heartbeat.stop()
        parts.close()
    log.info("worker_stopped", extra={"worker": parts.name})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
