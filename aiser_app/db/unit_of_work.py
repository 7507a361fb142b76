"""One service call, one transaction: the only place that commits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.exc import DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from aiser_app.db.repositories.api_keys import ApiKeyRepository
from aiser_app.db.repositories.audit_events import AuditEventRepository
from aiser_app.db.repositories.conversations import ConversationRepository
from aiser_app.db.repositories.data_policies import DataPolicyRepository
from aiser_app.db.repositories.data_sources import DataSourceRepository
from aiser_app.db.repositories.evaluations import EvaluationRepository
from aiser_app.db.repositories.organizations import OrganizationRepository
from aiser_app.db.repositories.query_records import QueryRecordRepository
from aiser_app.db.repositories.results import ResultRepository
from aiser_app.db.repositories.runs import RunRepository
from aiser_app.db.repositories.seed_questions import SeedQuestionRepository
from aiser_app.db.repositories.semantic_models import SemanticModelRepository
from aiser_app.db.repositories.sessions import SessionRepository
from aiser_app.db.repositories.setup_tokens import SetupTokenRepository
from aiser_app.db.repositories.source_tables import SourceTableRepository
from aiser_app.db.repositories.turns import TurnRepository
from aiser_app.db.repositories.users import UserRepository
from aiser_app.db.repositories.verified_queries import VerifiedQueryRepository
from aiser_app.errors import ServiceUnavailable

log = logging.getLogger(__name__)

_LAZILY = text("SET LOCAL synchronous_commit TO off")
DATABASE_DOWN = (
    OperationalError,
    InterfaceError,
    DisconnectionError,
    PoolTimeout,
    psycopg.OperationalError,
    psycopg.InterfaceError,
)


def database_unavailable() -> ServiceUnavailable:
    return ServiceUnavailable(
        "The database does not answer.",
        hint="It restarts by itself; try again in a few seconds. `python -m aiser_app doctor` says more.",
    )


class UnitOfWork:
    """Used as a context manager; whatever was not committed when the block ends is rolled back.

    With `each_alone` every statement is a transaction of its own, which saves two calls of the server:
    for reads (each sees what is committed when it begins, as in any transaction here), and for one
    write. Where several writes belong together, it is wrong.

    Raises, from the block's end, `ServiceUnavailable` when Postgres does not answer.
    """

    organizations: OrganizationRepository
    users: UserRepository
    sessions: SessionRepository
    api_keys: ApiKeyRepository
    setup_tokens: SetupTokenRepository
    audit_events: AuditEventRepository
    data_sources: DataSourceRepository
    data_policies: DataPolicyRepository
    query_records: QueryRecordRepository
    semantic_models: SemanticModelRepository
    source_tables: SourceTableRepository
    conversations: ConversationRepository
    turns: TurnRepository
    runs: RunRepository
    results: ResultRepository
    verified_queries: VerifiedQueryRepository
    seed_questions: SeedQuestionRepository
    evaluations: EvaluationRepository

    def __init__(self, engine: Engine, *, each_alone: bool = False) -> None:
        self._engine = _each_alone(engine) if each_alone else engine
        self._session: Session | None = None
        self._hooks: list[Callable[[], None]] = []

    def another(self) -> UnitOfWork:
        """A unit of work on the same database, for what is read after this one has ended."""
        return UnitOfWork(self._engine)

    def __enter__(self) -> Self:
        if self._session is not None:
            raise RuntimeError("A unit of work is entered once at a time.")
        session = Session(self._engine, expire_on_commit=False)
        self._session = session
        self._hooks = []
        self.organizations = OrganizationRepository(session)
        self.users = UserRepository(session)
        self.sessions = SessionRepository(session)
        self.api_keys = ApiKeyRepository(session)
        self.setup_tokens = SetupTokenRepository(session)
        self.audit_events = AuditEventRepository(session)
        self.data_sources = DataSourceRepository(session)
        self.data_policies = DataPolicyRepository(session)
        self.query_records = QueryRecordRepository(session)
        self.semantic_models = SemanticModelRepository(session)
        self.source_tables = SourceTableRepository(session)
        self.conversations = ConversationRepository(session)
        self.turns = TurnRepository(session)
        self.runs = RunRepository(session)
        self.results = ResultRepository(session)
        self.verified_queries = VerifiedQueryRepository(session)
        self.seed_questions = SeedQuestionRepository(session)
        self.evaluations = EvaluationRepository(session)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        session, self._session = self._session, None
        self._hooks = []
        if session is not None:
            _close(session)
        if isinstance(error, DATABASE_DOWN):
            log.warning("database_unavailable", extra={"error": type(error).__name__})
            raise database_unavailable() from error

    def commit(self, *, lazily: bool = False, last: Callable[[], None] | None = None) -> None:
        """Commit, then run the hooks in the order in which they were given.

        `last` makes changes whose results nobody reads: they and the commit are one call of the
        server, whatever their number. What is wrong with them is raised from here, as the driver's
        own error.

        `lazily` does not wait for the disk: others see it at once, but a crash of the database within
        the next second may forget it. Only for what nobody has been told of yet, and what is made
        again when it is missing. Whatever is committed after it lasts only together with it.

        A hook that meets a store that does not answer is logged and the others still run: what was
        committed stands, and the scheduler mends what the hook would have done.
        """
        if self._session is None:
            raise RuntimeError("Commit belongs inside the `with` block.")
        if lazily or last is not None:
            _send_together(self._session, last, lazily=lazily)
        self._session.commit()
        hooks, self._hooks = self._hooks, []
        for hook in hooks:
            try:
                hook()
            except ServiceUnavailable as error:
                log.warning("after_commit_hook_failed", extra={"error": error.message})

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Call `hook` once the transaction is committed; never, if it is rolled back."""
        self._hooks.append(hook)


def _send_together(session: Session, last: Callable[[], None] | None, *, lazily: bool) -> None:
    """Commit through the driver, in one call with what comes before; SQLAlchemy knows no way to.

    The session's own commit finds nothing left to do.
    """
    driver = session.connection().connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("Aiser's own data is in Postgres, through psycopg.")
    with driver.pipeline():
        if last is not None:
            last()
        if lazily:
            session.connection().execute(_LAZILY)
        driver.commit()


@lru_cache(maxsize=8)
def _each_alone(engine: Engine) -> Engine:
    """The same pool, without BEGIN and COMMIT."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _close(session: Session) -> None:
    try:
        session.rollback()
        session.close()
    except DATABASE_DOWN:
        session.invalidate()
