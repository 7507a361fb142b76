"""The services of a web process, and of the command line. Nothing connects until it is used."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypedDict

from sqlalchemy import Engine

from aiser_app.bootstrap.data_access import DataAccess, build_data_access
from aiser_app.broker.connection import Connection, connect
from aiser_app.broker.job_queue import JobQueue
from aiser_app.broker.rate_limit import RateLimiter
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventFeed, RunEventLog
from aiser_app.broker.worker_registry import WorkerRegistry
from aiser_app.config import Settings, current_settings
from aiser_app.db.engine import open_engine
from aiser_app.errors import ServiceUnavailable
from aiser_app.query.catalog import read_catalog
from aiser_app.semantic.inference import infer_model
from aiser_app.services.accounts import Accounts
from aiser_app.services.accounts.context import AccountContext
from aiser_app.services.advice import Advice
from aiser_app.services.chat import Chat
from aiser_app.services.conversations import Conversations
from aiser_app.services.health import Health
from aiser_app.services.key_rotation import KeyRotation
from aiser_app.services.policies import DataPolicies
from aiser_app.services.queries import Queries, QueryLimits
from aiser_app.services.query_history import QueryHistory
from aiser_app.services.query_requests import QueryRequests
from aiser_app.services.results import Results
from aiser_app.services.runs import Runs
from aiser_app.services.sample_source import SampleMaker
from aiser_app.services.semantic_models import SemanticModels
from aiser_app.services.source_setup import SourceSetup
from aiser_app.services.sources import Sources
from aiser_app.services.throttle import Throttle
from aiser_app.services.uploads import Uploads
from aiser_app.services.value_indexes import ValueIndexes


@dataclass(frozen=True, kw_only=True)
class Services:
    settings: Settings
    engine: Engine
    redis: Connection
    feed: RunEventFeed
    throttle: Throttle
    accounts: Accounts
    sources: Sources
    conversations: Conversations
    chat: Chat
    runs: Runs
    results: Results
    health: Health
    data: DataAccess
    source_setup: SourceSetup
    policies: DataPolicies
    models: SemanticModels
    queries: Queries
    query_history: QueryHistory
    advice: Advice
    key_rotation: KeyRotation
    uploads: Uploads

    def close(self) -> None:
        """Give pooled connections back; the feed is closed by its own event loop."""
        self.data.close()
        self.engine.dispose()
        self.redis.close()


_lock = threading.Lock()
_services: Services | None = None


def services() -> Services:
    """The services of this process, built at first use."""
    global _services
    with _lock:
        if _services is None:
            _services = build_services(current_settings())
        return _services


def build_services(settings: Settings) -> Services:
    """Wire everything up for the given settings.

    Raises:
        ServiceUnavailable: an address is missing, that is, nothing is running.
    """
    if not settings.database_url or not settings.redis_url:
        raise ServiceUnavailable(
            "Aiser is not running here.", hint="Start it with `make run`, or set DATABASE_URL."
        )
    engine = open_engine(settings.database_url)
    redis = connect(settings.redis_url)
    data = build_data_access(settings)
    store = data.store
    queue = JobQueue(redis)
    events = RunEventLog(redis)
    feed = RunEventFeed(settings.redis_url)
    throttle = Throttle(RateLimiter(redis))
    sources = Sources(engine, _sample_maker(settings, data))
    return Services(
        settings=settings,
        engine=engine,
        redis=redis,
        feed=feed,
        throttle=throttle,
        accounts=Accounts(
            AccountContext(
                engine=engine,
                throttle=throttle,
                sources=sources,
                session_lifetime=timedelta(hours=settings.session_hours),
            )
        ),
        sources=sources,
        conversations=Conversations(engine),
        chat=Chat(
            engine,
            queue=queue,
            events=events,
            question_max_chars=settings.question_max_chars,
            deadline_seconds=settings.run_deadline_seconds,
        ),
        runs=Runs(engine, store=store, events=events, feed=feed, control=RunControl(redis)),
        results=Results(engine, store),
        health=Health(
            engine, redis=redis, workers=WorkerRegistry(redis), chroma_url=settings.chroma_url
        ),
        **_query_services(settings, engine, data, queue, events),
    )


class _QueryServices(TypedDict):
    """The part of `Services` that is about sources and queries."""

    data: DataAccess
    source_setup: SourceSetup
    policies: DataPolicies
    models: SemanticModels
    queries: Queries
    uploads: Uploads
    query_history: QueryHistory
    advice: Advice
    key_rotation: KeyRotation


def _query_services(
    settings: Settings, engine: Engine, data: DataAccess, queue: JobQueue, events: RunEventLog
) -> _QueryServices:
    dialects = data.sources.dialects
    return _QueryServices(
        data=data,
        source_setup=SourceSetup(
            engine,
            access=data.sources,
            queue=queue,
            events=events,
            sources_dir=settings.sources_dir,
            values=ValueIndexes(settings.values_dir),
        ),
        policies=DataPolicies(engine, dialects=dialects),
        models=SemanticModels(engine, dialects=dialects),
        queries=Queries(
            engine,
            queue=queue,
            events=events,
            requests=QueryRequests(dialects=dialects),
            router_for=data.router,
            limits=QueryLimits(
                default_rows=settings.result_row_limit,
                max_rows=settings.query_max_rows,
                default_seconds=settings.editor_timeout_seconds,
            ),
        ),
        uploads=Uploads(
            engine,
            queue=queue,
            events=events,
            uploads_dir=settings.uploads_dir,
            max_bytes=settings.upload_mb * 1024**2,
        ),
        query_history=QueryHistory(engine),
        advice=Advice(engine, dialects=dialects),
        key_rotation=KeyRotation(engine, data.sealer),
    )


def _sample_maker(settings: Settings, data: DataAccess) -> SampleMaker:
    return SampleMaker(
        sources_dir=settings.sources_dir,
        read_catalog=partial(read_catalog, data.engine("duckdb")),
        infer_model=infer_model,
    )
