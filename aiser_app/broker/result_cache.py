"""Results that can be used again, and who is making one right now: both in Redis, for all processes.

Rows are not here, only envelopes. A flight is one load of one key: whoever holds its lock makes the
result, everybody else waits on the flight's stream and gets what came of it. The lock is a lease, so
that the death of its holder is noticed within seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from aiser_app.broker.connection import Connection, as_text, redis_errors
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.result import Result
from aiser_app.errors import AiserError, InvalidInput, QueryDenied, QueryInvalid

LEASE_SECONDS = 3.0
"""A flight whose holder died counts as ended after this; holders renew three times as often."""
OUTCOME_SECONDS = 30
"""How long the outcome of a flight can be read by those who waited for it."""
REFRESH_SECONDS = 60
"""One refresh of a stale result is asked for; if nothing came of it, another one after this."""

# KEYS[1] lock; ARGV[1] token, ARGV[2] lease in milliseconds. The token of who holds it, or ours.
_BEGIN = """
local holder = redis.call('GET', KEYS[1])
if holder then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""
# KEYS[1] lock; ARGV[1] token, ARGV[2] lease in milliseconds
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
# KEYS[1] lock, KEYS[2] stream of the flight; ARGV[1] token, ARGV[2] outcome, ARGV[3] seconds
_END = """
redis.call('XADD', KEYS[2], '*', 'outcome', ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
# KEYS[1] entry, KEYS[2] refresh mark, KEYS[3…] sources
# ARGV[1] content, ARGV[2] milliseconds to keep, ARGV[3] key, ARGV[4] now, ARGV[5] end, in seconds
_PUT = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('DEL', KEYS[2])
for i = 3, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', ARGV[4])
  redis.call('ZADD', KEYS[i], ARGV[5], ARGV[3])
  if redis.call('TTL', KEYS[i]) * 1000 < tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[i], ARGV[2])
  end
end
"""
# KEYS[1] entry; ARGV[1] result id
_FORGET = """
local content = redis.call('GET', KEYS[1])
if content and cjson.decode(content)['result']['result_id'] == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
"""

_SHARED_ERRORS: dict[str, type[AiserError]] = {e.code: e for e in (QueryInvalid, QueryDenied)}
"""What would happen to everybody who asks the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedResult:
    """Times are seconds since the epoch."""

    result: Result
    stored_at: float
    fresh_until: float

    @property
    def is_fresh(self) -> bool:
        return time.time() < self.fresh_until


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a flight; neither of the two when others should try themselves."""

    result: Result | None = None
    error: AiserError | None = None


class ResultCacheStore:
    """Keys are digests that contain everything an answer depends on (`query.cache.cache_key`)."""

    def __init__(self, connection: Connection, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._connection = connection
        self.lease_seconds = lease_seconds
        self._begin = connection.register_script(_BEGIN)
        self._renew = connection.register_script(_RENEW)
        self._end = connection.register_script(_END)
        self._put = connection.register_script(_PUT)
        self._forget = connection.register_script(_FORGET)

    def find(self, key: str) -> CachedResult | None:
        """What is kept, fresh or stale."""
        with redis_errors():
            content = self._connection.get(_entry(key))
        if content is None:
            return None
        try:
            data = json.loads(as_text(content))
            return CachedResult(
                result=decode(Result, data["result"]),
                stored_at=float(data["stored_at"]),
                fresh_until=float(data["fresh_until"]),
            )
        except (InvalidInput, ValueError, KeyError, TypeError):
            return None  # written by another version of Aiser

    def put(
        self,
        key: str,
        result: Result,
        *,
        sources: Sequence[str],
        fresh_seconds: float,
        keep_seconds: float,
    ) -> None:
        """Keep a result for `keep_seconds`, of which it is fresh for `fresh_seconds`."""
        now = time.time()
        content = {
            "result": encode(result),
            "stored_at": now,
            "fresh_until": now + fresh_seconds,
        }
        keys = [_entry(key), _refresh(key), *(_source(source) for source in sources)]
        arguments: list[str | float] = [
            json.dumps(content, ensure_ascii=False),
            max(1, int(keep_seconds * 1000)),
            key,
            now,
            now + keep_seconds,
        ]
        with redis_errors():
            self._put(keys=keys, args=arguments)

    def forget(self, key: str, result_id: str) -> None:
        """Drop the entry if it still is that result, whose rows are gone."""
        with redis_errors():
            self._forget(keys=[_entry(key)], args=[result_id])

    def invalidate(self, source_id: str) -> int:
        """Drop everything that was made of a source; returns how many entries that were."""
        name = _source(source_id)
        with redis_errors():
            keys = cast(list[bytes], self._connection.zrange(name, 0, -1))
            entries = [_entry(as_text(key)) for key in keys]
            return cast(int, self._connection.delete(name, *entries)) - bool(keys)

    def claim_refresh(self, key: str) -> bool:
        """Whether the caller is the one who should ask for a new result."""
        with redis_errors():
            return bool(self._connection.set(_refresh(key), b"1", nx=True, ex=REFRESH_SECONDS))

    def begin(self, flight: str, token: str) -> str:
        """Take the flight; returns whose it is now: `token` when it is the caller's."""
        with redis_errors():
            return as_text(self._begin(keys=[_lock(flight)], args=[token, self._lease()]))

    def is_flying(self, flight: str) -> bool:
        with redis_errors():
            return bool(self._connection.exists(_lock(flight)))

    def renew(self, flight: str, token: str) -> bool:
        """Hold on to the flight; False when it is somebody else's by now."""
        with redis_errors():
            return bool(self._renew(keys=[_lock(flight)], args=[token, self._lease()]))

    def end(self, flight: str, token: str, outcome: Outcome) -> None:
        """Tell everybody who waits, and let the flight go, in one step."""
        with redis_errors():
            self._end(
                keys=[_lock(flight), _stream(flight, token)],
                args=[token, json.dumps(_written(outcome)), OUTCOME_SECONDS],
            )

    def wait(self, flight: str, token: str, seconds: float) -> Outcome | None:
        """What came of the flight; None when nothing is known of it after `seconds`."""
        block = max(1, int(seconds * 1000))
        with redis_errors():
            found = self._connection.xread({_stream(flight, token): "0"}, count=1, block=block)
        for _, entries in cast(list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]], found):
            for _, fields in entries:
                return _read(json.loads(fields[b"outcome"]))
        return None

    def _lease(self) -> int:
        return int(self.lease_seconds * 1000)


def _written(outcome: Outcome) -> dict[str, Any]:
    if outcome.result is not None:
        return {"result": encode(outcome.result)}
    error = outcome.error
    if error is None or error.code not in _SHARED_ERRORS:
        return {}
    return {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "line": error.line,
        "column": error.column,
    }


def _read(data: dict[str, Any]) -> Outcome:
    kind = _SHARED_ERRORS.get(data.get("code", ""))
    if kind is not None:
        error = kind(data["message"], hint=data["hint"]).at(data["line"], data["column"])
        return Outcome(error=error)
    if "result" not in data:
        return Outcome()
    try:
        return Outcome(result=decode(Result, data["result"]))
    except InvalidInput:
        return Outcome()  # of another version of Aiser


def _entry(key: str) -> str:
    return f"cache:{key}"


def _refresh(key: str) -> str:
    return f"cache:{key}:refresh"


def _source(source_id: str) -> str:
    return f"cache:source:{source_id}"


def _lock(flight: str) -> str:
    return f"flight:{flight}"


def _stream(flight: str, token: str) -> str:
    return f"flight:{flight}:{token}"
