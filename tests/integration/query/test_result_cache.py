"""Many who ask the same cause one query; who may see something else never gets it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest

from aiser_app.broker.connection import Connection, connect
from aiser_app.broker.result_cache import CachedResult, ResultCacheStore
from aiser_app.domain.actor import Claims
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.errors import (
    EngineUnavailable,
    QueryCancelled,
    QueryDenied,
    QueryInvalid,
    QueryTimedOut,
    ServiceUnavailable,
)
from aiser_app.query.cache import How, ResultCache, cache_key
from tests.fixtures.servers import PROJECT
from tests.integration.broker.conftest import KillableRedis, killable_redis
from tests.integration.query.cached import Caller, Loads, a_result, eventually, fetch, own

__all__ = ["killable_redis"]

pytestmark = pytest.mark.integration


@pytest.fixture
def connection(redis_url: str) -> Iterator[Connection]:
    found = connect(redis_url)
    yield found
    found.close()


@pytest.fixture
def store(connection: Connection) -> ResultCacheStore:
    return ResultCacheStore(connection)


@pytest.fixture
def cache(store: ResultCacheStore) -> ResultCache:
    return ResultCache(store)


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


def waiting(connection: Connection, key: str, count: int) -> None:
    """Until so many clients wait for the flight of `key`."""
    eventually(
        lambda: sum(1 for client in connection.client_list() if client["cmd"] == "xread") >= count
    )


def test_a_result_is_used_again(cache: ResultCache, key: str) -> None:
    load = Loads()
    first, second = fetch(cache, key, load), fetch(cache, key, load)
    assert (first.how, second.how, load.count) == (How.LOADED, How.HIT, 1)
    assert second.result.from_cache
    assert not first.result.from_cache
    assert second.result.result_id != first.result.result_id
    found = cache.find(key)
    assert found == first.result
    assert cache.fetch(
        key, sources=(), ttl_seconds=60, cancel=CancelToken(), load=load, reuse=own
    ).from_cache


def test_finding_is_quick(cache: ResultCache, key: str) -> None:
    fetch(cache, key, Loads())
    took = []
    for _ in range(50):
        started = time.perf_counter()
        assert cache.find(key) is not None
        took.append(time.perf_counter() - started)
    assert sorted(took)[25] < 0.05
    assert cache.find("unknown") is None


def test_fifty_at_once_cause_one_query(
    cache: ResultCache, connection: Connection, key: str
) -> None:
    load = Loads(is_open=False)
    callers = [Caller(lambda: fetch(cache, key, load)) for _ in range(50)]
    waiting(connection, key, 49)
    load.gate.set()
    found = [caller.ended().fetched for caller in callers]
    assert load.count == 1
    assert sorted(f.how for f in found if f) == [How.LOADED] + [How.SHARED] * 49
    assert len({f.result.result_id for f in found if f}) == 50


def test_they_share_a_flight_also_when_nothing_is_kept(
    cache: ResultCache, connection: Connection, key: str
) -> None:
    load = Loads(is_open=False)
    callers = [Caller(lambda: fetch(cache, key, load, ttl_seconds=0.0)) for _ in range(5)]
    waiting(connection, key, 4)
    load.gate.set()
    for caller in callers:
        assert caller.ended().fetched
    assert load.count == 1
    assert cache.find(key) is None
    assert fetch(cache, key, load, ttl_seconds=0.0).how is How.LOADED
    assert load.count == 2


def test_two_people_who_see_different_rows_never_share(
    cache: ResultCache, connection: Connection
) -> None:
    """One organization, the same SQL, different attributes: also while both are running."""
    source = DataSource(
        source_id="1" * 32, organization_id="0" * 32, name="Shop", engine="postgres"
    )

    def key_of(region: str) -> str:
        claims = Claims(
            organization_id="0" * 32, attributes={"region": region, "x": str(id(cache))}
        )
        return cache_key(
            sql="SELECT sum(amount) FROM orders",
            parameters=(),
            limit=10,
            sources=(source,),
            claims=claims,
            policies=(),
        )

    europe, america = Loads(is_open=False), Loads(is_open=False)
    callers = [Caller(lambda: fetch(cache, key_of("EU"), europe)) for _ in range(3)]
    callers += [Caller(lambda: fetch(cache, key_of("US"), america)) for _ in range(3)]
    waiting(connection, "", 4)
    europe.gate.set()
    assert all(caller.ended().fetched for caller in callers[:3])
    assert all(caller.is_alive() for caller in callers[3:])
    america.gate.set()
    assert all(caller.ended().fetched for caller in callers[3:])
    assert (europe.count, america.count) == (1, 1)
    left, right = cache.find(key_of("EU")), cache.find(key_of("US"))
    assert left
    assert right
    assert left.result_id != right.result_id


def test_a_result_expires(cache: ResultCache, store: ResultCacheStore, key: str) -> None:
    load = Loads()
    store.put(key, a_result(), sources=(), fresh_seconds=-1, keep_seconds=60)
    assert cache.find(key) is None
    assert fetch(cache, key, load).how is How.LOADED
    assert fetch(cache, key, load).how is How.HIT


def test_what_expires_is_gone(connection: Connection, store: ResultCacheStore, key: str) -> None:
    store.put(key, a_result(), sources=("s" + key,), fresh_seconds=0.01, keep_seconds=0.01)
    eventually(lambda: store.find(key) is None)
    eventually(lambda: not connection.exists(f"cache:source:s{key}"))


def test_run_again_executes_and_replaces(cache: ResultCache, key: str) -> None:
    load = Loads()
    first = fetch(cache, key, load).result
    again = fetch(cache, key, load, bypass=True)
    assert (again.how, load.count) == (How.LOADED, 2)
    assert cache.find(key) == again.result
    assert again.result.result_id != first.result_id


def test_run_again_does_not_wait_for_an_older_query(
    cache: ResultCache, connection: Connection, key: str
) -> None:
    slow, quick = Loads(is_open=False), Loads()
    older = Caller(lambda: fetch(cache, key, slow))
    eventually(lambda: slow.count == 1)
    newer = fetch(cache, key, quick, bypass=True)
    assert newer.how is How.LOADED
    slow.gate.set()
    assert older.ended().fetched
    assert cache.find(key) == newer.result  # the older one does not replace it


def test_a_stale_result_is_given_while_one_newer_is_asked_for(
    cache: ResultCache, store: ResultCacheStore, key: str
) -> None:
    store.put(key, a_result(), sources=(), fresh_seconds=-5, keep_seconds=60)
    load, refreshed = Loads(), []
    options = {"stale_ok_seconds": 3600.0, "refresh": lambda: refreshed.append(1)}
    found = [fetch(cache, key, load, **options) for _ in range(3)]
    assert [f.how for f in found] == [How.STALE] * 3
    assert all(f.result.is_stale and f.result.from_cache for f in found)
    assert (load.count, refreshed) == (0, [1])
    assert fetch(cache, key, load, bypass=True).how is How.LOADED
    fresh = fetch(cache, key, load, **options)
    assert (fresh.how, fresh.result.is_stale) == (How.HIT, False)


def test_too_stale_is_not_given(cache: ResultCache, store: ResultCacheStore, key: str) -> None:
    store.put(key, a_result(), sources=(), fresh_seconds=-5, keep_seconds=60)
    load = Loads()
    assert fetch(cache, key, load, stale_ok_seconds=2, refresh=lambda: None).how is How.LOADED


def test_without_a_refresh_stale_is_given_only_while_somebody_works_on_it(
    cache: ResultCache, store: ResultCacheStore, key: str
) -> None:
    store.put(key, a_result(), sources=(), fresh_seconds=-5, keep_seconds=60)
    load = Loads(is_open=False)
    worker = Caller(lambda: fetch(cache, key, load, stale_ok_seconds=60))
    eventually(lambda: load.count == 1)
    assert fetch(cache, key, load, stale_ok_seconds=60).how is How.STALE
    load.gate.set()
    assert worker.ended().fetched
    assert load.count == 1


def test_a_stale_result_without_rows_is_made_anew(
    cache: ResultCache, store: ResultCacheStore, key: str
) -> None:
    store.put(key, a_result(), sources=(), fresh_seconds=-5, keep_seconds=60)
    options = {"stale_ok_seconds": 60, "refresh": lambda: None, "reuse": lambda _: None}
    assert fetch(cache, key, Loads(), **options).how is How.LOADED


@pytest.mark.parametrize("kind", [QueryInvalid, QueryDenied])
def test_who_waits_shares_an_error_that_would_be_theirs_too(
    cache: ResultCache, connection: Connection, key: str, kind: type[QueryInvalid]
) -> None:
    error = kind("There is no column “x”.", hint="Did you mean y?").at(2, 7)
    load = Loads(is_open=False, error=error)
    callers = [Caller(lambda: fetch(cache, key, load)) for _ in range(5)]
    waiting(connection, key, 4)
    load.gate.set()
    errors = [caller.ended().error for caller in callers]
    assert load.count == 1
    for found in errors:
        assert isinstance(found, kind)
        assert (found.message, found.hint, found.line, found.column) == (
            "There is no column “x”.",
            "Did you mean y?",
            2,
            7,
        )
    assert fetch(cache, key, Loads()).how is How.LOADED  # an error is not kept


@pytest.mark.parametrize(
    "error", [QueryTimedOut("t"), QueryCancelled("c"), EngineUnavailable("e"), ValueError("bug")]
)
def test_after_another_failure_one_of_those_who_wait_tries_next(
    cache: ResultCache, connection: Connection, key: str, error: Exception
) -> None:
    failing, working = Loads(is_open=False, error=error), Loads(is_open=False)
    first = Caller(lambda: fetch(cache, key, failing))
    eventually(lambda: failing.count == 1)
    rest = [Caller(lambda: fetch(cache, key, working)) for _ in range(6)]
    waiting(connection, key, 6)
    failing.gate.set()
    assert first.ended().error is error
    eventually(lambda: working.count == 1)
    waiting(connection, key, 5)
    working.gate.set()
    assert all(caller.ended().fetched for caller in rest)
    assert working.count == 1


def test_stopping_one_who_waits_leaves_the_query_running(
    cache: ResultCache, connection: Connection, key: str
) -> None:
    load, cancel = Loads(is_open=False), CancelToken()
    holder = Caller(lambda: fetch(cache, key, load))
    eventually(lambda: load.count == 1)
    waiter = Caller(lambda: fetch(cache, key, load, cancel=cancel))
    waiting(connection, key, 1)
    cancel.cancel()
    assert isinstance(waiter.ended().error, QueryCancelled)
    assert holder.is_alive()
    load.gate.set()
    assert holder.ended().fetched


def test_a_deadline_ends_waiting(cache: ResultCache, connection: Connection, key: str) -> None:
    load, cancel = Loads(is_open=False), CancelToken()
    holder = Caller(lambda: fetch(cache, key, load))
    eventually(lambda: load.count == 1)
    waiter = Caller(lambda: fetch(cache, key, load, cancel=cancel))
    waiting(connection, key, 1)
    cancel.cancel("deadline")
    assert isinstance(waiter.ended().error, QueryTimedOut)
    assert isinstance(
        Caller(lambda: fetch(cache, key, load, wait_seconds=0.05)).ended().error, QueryTimedOut
    )
    load.gate.set()
    assert holder.ended().fetched


def test_a_result_whose_rows_are_gone_is_made_anew(cache: ResultCache, key: str) -> None:
    load = Loads()
    first = fetch(cache, key, load).result
    again = fetch(cache, key, load, reuse=lambda found: None if found == first else own(found))
    assert (again.how, load.count) == (How.LOADED, 2)
    assert cache.find(key) == again.result


def test_rows_that_are_always_gone_do_not_keep_anybody(
    cache: ResultCache, connection: Connection, key: str
) -> None:
    load = Loads(is_open=False)
    callers = [Caller(lambda: fetch(cache, key, load, reuse=lambda _: None)) for _ in range(5)]
    waiting(connection, key, 4)
    load.gate.set()
    assert all(caller.ended().fetched for caller in callers)


def test_a_query_without_end_of_its_data_lives_for_days(
    cache: ResultCache, store: ResultCacheStore, key: str
) -> None:
    fetch(cache, key, Loads(), ttl_seconds=None)
    entry = store.find(key)
    assert entry
    assert 6.9 * 86_400 < entry.fresh_until - entry.stored_at <= 7 * 86_400


def test_what_was_made_of_a_source_can_be_dropped(cache: ResultCache) -> None:
    source, other = uuid.uuid4().hex, uuid.uuid4().hex
    keys = [uuid.uuid4().hex for _ in range(3)]
    fetch(cache, keys[0], Loads(), sources=(source,))
    fetch(cache, keys[1], Loads(), sources=(other, source))
    fetch(cache, keys[2], Loads(), sources=(other,))
    assert cache.invalidate(source) == 2
    assert [cache.find(key) is None for key in keys] == [True, True, False]
    assert cache.invalidate(source) == 0


def test_an_entry_of_another_version_counts_as_none(
    cache: ResultCache, connection: Connection, key: str
) -> None:
    for content in (b"{}", b"no json", b'{"result": {}, "stored_at": 1, "fresh_until": 2}'):
        connection.set(f"cache:{key}", content)
        assert cache.find(key) is None
    assert fetch(cache, key, Loads()).how is How.LOADED
    assert isinstance(ResultCacheStore(connection).find(key), CachedResult)


def test_a_slow_query_keeps_its_flight(connection: Connection, key: str) -> None:
    store = ResultCacheStore(connection, lease_seconds=0.3)
    load = Loads(is_open=False)
    holder = Caller(lambda: fetch(ResultCache(store), key, load))
    eventually(lambda: load.count == 1)
    ends = time.monotonic() + 1.0
    while time.monotonic() < ends:
        assert store.is_flying(key)
        time.sleep(0.05)
    load.gate.set()
    assert holder.ended().fetched
    assert not store.is_flying(key)


HOLDER = """
import sys, time
from aiser_app.broker.connection import connect
from aiser_app.broker.result_cache import ResultCacheStore
from aiser_app.domain.cancellation import CancelToken
from aiser_app.query.cache import ResultCache

def load():
    print("loading", flush=True)
    time.sleep(600)

ResultCache(ResultCacheStore(connect(sys.argv[1]))).fetch(
    sys.argv[2], sources=(), ttl_seconds=60, cancel=CancelToken(), load=load, reuse=lambda r: r)
"""


def test_when_its_holder_is_killed_another_takes_over(
    cache: ResultCache, connection: Connection, redis_url: str, key: str
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, redis_url, key], stdout=subprocess.PIPE, cwd=PROJECT
    )
    assert holder.stdout
    with holder:
        assert holder.stdout.readline() == b"loading\n"
        load = Loads()
        callers = [Caller(lambda: fetch(cache, key, load)) for _ in range(5)]
        waiting(connection, key, 5)
        assert load.count == 0
        holder.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        assert all(caller.ended().fetched for caller in callers)
    assert time.monotonic() - killed_at < 10
    assert load.count == 1


def test_without_redis_everything_runs(killable_redis: KillableRedis, key: str) -> None:
    connection = connect(killable_redis.url)
    cache, load = ResultCache(ResultCacheStore(connection)), Loads()
    assert fetch(cache, key, load).how is How.LOADED
    killable_redis.kill()
    assert fetch(cache, key, load).how is How.UNCACHED
    assert cache.find(key) is None
    assert cache.invalidate("1" * 32) == 0
    killable_redis.start()
    eventually(lambda: fetch(cache, key, load).how is not How.UNCACHED)
    assert fetch(cache, key, load).how is How.HIT
    connection.close()


def test_redis_may_stop_while_a_query_runs(killable_redis: KillableRedis, key: str) -> None:
    connection = connect(killable_redis.url)
    store = ResultCacheStore(connection, lease_seconds=0.3)
    cache, load = ResultCache(store), Loads(is_open=False)
    holder = Caller(lambda: fetch(cache, key, load))
    eventually(lambda: load.count == 1)
    waiter = Caller(lambda: fetch(cache, key, load))
    waiting(connection, key, 1)
    killable_redis.kill()
    eventually(lambda: load.count == 2)  # who waited runs by itself
    load.gate.set()
    for caller in (holder, waiter):
        fetched = caller.ended().fetched
        assert fetched
        assert fetched.how is How.UNCACHED
    connection.close()


def test_a_failure_of_the_load_is_not_one_of_the_cache(cache: ResultCache, key: str) -> None:
    load = Loads(error=ServiceUnavailable("Postgres does not answer."))
    with pytest.raises(ServiceUnavailable, match="Postgres"):
        fetch(cache, key, load)
    assert load.count == 1
