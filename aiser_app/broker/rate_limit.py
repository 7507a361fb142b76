"""Limits on tries per time, shared by every web process."""

from __future__ import annotations

from aiser_app.broker.connection import Connection, redis_errors

# KEYS[1] counter; ARGV[1] window in milliseconds. The window starts with the first hit, and a
# counter that lost its expiry gets a new one.
_HIT = """
local hits = redis.call('INCR', KEYS[1])
if hits == 1 or redis.call('PTTL', KEYS[1]) < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return hits
"""


class RateLimiter:
    """Fixed windows that start with the first hit."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._hit = connection.register_script(_HIT)

    def hit(self, key: str, limit: int, window_seconds: int) -> bool:
        """Count one try; True while at most `limit` fell into the window."""
        with redis_errors():
            return int(self._hit(keys=[_key(key)], args=[window_seconds * 1000])) <= limit

    def is_allowed(self, key: str, limit: int) -> bool:
        """Would one more try be allowed? Counts nothing."""
        with redis_errors():
            found = self._connection.get(_key(key))
        return int(found or 0) < limit  # type: ignore[arg-type]

    def reset(self, key: str) -> None:
        """Forget the tries, for instance after a successful sign-in."""
        with redis_errors():
            self._connection.delete(_key(key))


def _key(key: str) -> str:
    return f"limit:{key}"
