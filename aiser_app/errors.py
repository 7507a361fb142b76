"""One family of errors: each says what happened, what to do, and whether a retry can help.

`message` and `hint` are safe to show to anyone who caused the error; whatever must stay on the
server (driver texts, paths, SQL of others) belongs in the log, never in these fields.
"""

from __future__ import annotations

from typing import ClassVar, Self


class AiserError(Exception):
    """Base of every failure that a person, client or job can cause or meet."""

    code: ClassVar[str] = "internal_error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    line: int | None = None
    """Where in a query's text, from 1, if it is about one place."""
    column: int | None = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def at(self, line: int | None, column: int | None) -> Self:
        """The same error, saying where in the query's text it is."""
        self.line, self.column = line, column
        return self


class InvalidInput(AiserError):
    """The request cannot be understood as it stands."""

    code = "invalid_input"
    http_status = 422


class NotSignedIn(AiserError):
    """No session or API key, or one that has ended."""

    code = "not_signed_in"
    http_status = 401

    def __init__(self, message: str = "You are not signed in.", *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or "Sign in again.")


class SignInRefused(AiserError):
    """Email and password do not match an active user; never says which of the two was wrong."""

    code = "sign_in_refused"
    http_status = 401


class TooManyAttempts(AiserError):
    """A limit on tries or on requests per time was reached."""

    code = "too_many_attempts"
    http_status = 429
    retryable = True


class PermissionDenied(AiserError):
    """The actor is known, and may not do this."""

    code = "permission_denied"
    http_status = 403


class NotFound(AiserError):
    """There is no such thing, or it belongs to somebody else: the two look alike on purpose."""

    code = "not_found"
    http_status = 404


class Conflict(AiserError):
    """The thing exists already, or changed meanwhile."""

    code = "conflict"
    http_status = 409


class PayloadTooLarge(AiserError):
    """The request exceeds a size limit."""

    code = "payload_too_large"
    http_status = 413


class QueryDenied(AiserError):
    """The guard refused a query before anything ran."""

    code = "query_denied"
    http_status = 403


class QueryInvalid(AiserError):
    """The engine understood that it could not run the query: unknown column, wrong type."""

    code = "query_invalid"
    http_status = 422


class QueryCancelled(AiserError):
    """Somebody pressed Stop, and the engine stopped."""

    code = "query_cancelled"
    http_status = 409


class QueryTimedOut(AiserError):
    """The query was stopped at its time limit."""

    code = "query_timed_out"
    http_status = 504
    retryable = True


class EngineUnavailable(AiserError):
    """The database behind a data source does not answer."""

    code = "engine_unavailable"
    http_status = 503
    retryable = True


class SourcePaused(AiserError):
    """Somebody paused the data source, with a reason; no query reaches it."""

    code = "source_paused"
    http_status = 409


class StorageFull(AiserError):
    """There is no room on Aiser's own disk; nothing of what was being written remains."""

    code = "storage_full"
    http_status = 507


class CellTooLarge(AiserError):
    """One value of a result is beyond what Aiser takes."""

    code = "cell_too_large"
    http_status = 422


class ServiceUnavailable(AiserError):
    """One of Aiser's own stores (Postgres, Redis, Chroma, workers) does not answer."""

    code = "service_unavailable"
    http_status = 503
    retryable = True


class RunDeadlineExceeded(AiserError):
    """A run used up its time."""

    code = "deadline_exceeded"
    http_status = 504


class WorkerLost(AiserError):
    """The worker that held a run died, and the one retry is used up."""

    code = "worker_lost"
    http_status = 500
    retryable = True
