"""Connections to Redis, and what its failures look like to the rest of Aiser."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from aiser_app.errors import ServiceUnavailable

log = logging.getLogger(__name__)

Connection: TypeAlias = redis.Redis
AsyncConnection: TypeAlias = redis.asyncio.Redis

HEALTH_CHECK_SECONDS = 15
"""A pooled connection idle for longer is pinged before use, so that a restart goes unnoticed."""
CONNECT_TIMEOUT_SECONDS = 2.0
REPLY_TIMEOUT_SECONDS = 5.0
RETRIES = 3
"""Tries after the first: with the backoff below they cover about 0.3 s, a restart of the socket,
not of the server; whoever must survive that tries again on its own."""


def connect(url: str, *, reply_timeout: float | None = REPLY_TIMEOUT_SECONDS) -> Connection:
    """Client with its own pool; connects at first use. Replies are bytes."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_timeout=reply_timeout,
        socket_keepalive=True,
        health_check_interval=HEALTH_CHECK_SECONDS,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), RETRIES),
    )


def connect_async(
    url: str, *, reply_timeout: float | None = REPLY_TIMEOUT_SECONDS
) -> AsyncConnection:
    """As `connect`, for the event loop that first uses it."""
    return redis.asyncio.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_timeout=reply_timeout,
        socket_keepalive=True,
        health_check_interval=HEALTH_CHECK_SECONDS,
        retry=AsyncRetry(ExponentialBackoff(cap=0.2, base=0.02), RETRIES),
    )


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn what redis-py raises into `ServiceUnavailable`; the original stays in the log.

    Raises:
        ServiceUnavailable: Redis cannot be reached, or cannot do what was asked of it.
    """
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        log.warning("redis_unreachable", extra={"error": type(error).__name__})
        raise ServiceUnavailable(
            "Redis does not answer.", hint="It restarts by itself; try again in a few seconds."
        ) from error
    except RedisError as error:
        log.exception("redis_refused")
        raise ServiceUnavailable("Redis cannot do this right now.") from error


def as_text(value: Any) -> str:
    """Decode a reply: bytes from the wire, text when a client was set to decode."""
    return value.decode() if isinstance(value, bytes) else str(value)
