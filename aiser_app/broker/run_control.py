"""Control of a run from other processes: Stop, and the lease that tells a live run from a lost one."""

from __future__ import annotations

from aiser_app.broker.connection import Connection, redis_errors

CANCEL_SECONDS = 3600
"""A request to stop outlives every run deadline, then cleans itself up."""

# KEYS[1] lease; ARGV[1] holder, ARGV[2] milliseconds. A holder may renew; nobody takes over.
_HOLD = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
# KEYS[1] lease; ARGV[1] holder, empty for whoever holds it.
_RELEASE = """
if ARGV[1] ~= '' and redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class RunControl:
    """A cancel flag and a lease per run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._hold = connection.register_script(_HOLD)
        self._release = connection.register_script(_RELEASE)

    def request_cancel(self, run_id: str) -> None:
        """Ask whoever works on the run to stop; kept for a worker that has not begun yet."""
        with redis_errors():
            self._connection.set(_cancel_key(run_id), b"1", ex=CANCEL_SECONDS)

    def is_cancel_requested(self, run_id: str) -> bool:
        with redis_errors():
            return bool(self._connection.exists(_cancel_key(run_id)))

    def hold_lease(self, run_id: str, worker: str, seconds: float = 5) -> bool:
        """Take or renew the lease; False when somebody else holds it."""
        with redis_errors():
            return bool(self._hold(keys=[_lease_key(run_id)], args=[worker, int(seconds * 1000)]))

    def release_lease(self, run_id: str, worker: str = "") -> None:
        """Give the lease up, when `worker` (empty: anybody) holds it."""
        with redis_errors():
            self._release(keys=[_lease_key(run_id)], args=[worker])

    def has_lease(self, run_id: str) -> bool:
        with redis_errors():
            return bool(self._connection.exists(_lease_key(run_id)))


def _cancel_key(run_id: str) -> str:
    return f"run:{run_id}:cancel"


def _lease_key(run_id: str) -> str:
    return f"run:{run_id}:lease"
