"""Connections are used again, never by two queries at once, and never more than allowed."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field, replace

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource, SourceSettings
from aiser_app.errors import EngineUnavailable, QueryCancelled, QueryTimedOut
from aiser_app.query.connection import Pools
from aiser_app.query.connection import pool as pool_module

SOURCE = DataSource(
    source_id="5" * 32,
    organization_id="0" * 32,
    name="Shop",
    engine="postgres",
    sealed_url="one",
    settings=SourceSettings(max_concurrent=2),
)


@dataclass
class Server:
    """Hands out numbers as connections, and remembers which were closed."""

    opened: int = 0
    closed: list[int] = field(default_factory=list)
    is_down: bool = False

    def open(self, source: DataSource) -> int:
        if self.is_down:
            raise EngineUnavailable(f"{source.name} is down")
        self.opened += 1
        return self.opened


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def pools(server: Server) -> Pools[int]:
    return Pools(server.open, server.closed.append)


def use(pools: Pools[int], source: DataSource = SOURCE, *, keep: bool = True) -> int:
    with pools.borrowed(source, wait_seconds=5, cancel=CancelToken()) as lease:
        if keep:
            lease.keep()
        return lease.connection


def test_a_kept_connection_is_used_again(pools: Pools[int], server: Server) -> None:
    assert [use(pools), use(pools), use(pools)] == [1, 1, 1]
    assert server.closed == []


def test_a_connection_that_nobody_vouches_for_is_closed(pools: Pools[int], server: Server) -> None:
    assert use(pools, keep=False) == 1
    with (
        pytest.raises(RuntimeError),
        pools.borrowed(SOURCE, wait_seconds=5, cancel=CancelToken()),
    ):
        raise RuntimeError
    assert server.closed == [1, 2]
    assert use(pools) == 3


def test_two_queries_never_share_one(pools: Pools[int]) -> None:
    with pools.borrowed(SOURCE, wait_seconds=5, cancel=CancelToken()) as first:
        assert use(pools) == 2
        assert first.connection == 1


def test_a_query_waits_until_another_ends(pools: Pools[int]) -> None:
    narrow = replace(SOURCE, settings=SourceSettings(max_concurrent=1))
    got: list[int] = []
    waiting = threading.Thread(target=lambda: got.append(use(pools, narrow)))
    with pools.borrowed(narrow, wait_seconds=5, cancel=CancelToken()) as lease:
        lease.keep()
        waiting.start()
    waiting.join(timeout=5)
    assert got == [1]


def test_waiting_ends_at_the_querys_own_limit(pools: Pools[int]) -> None:
    narrow = replace(SOURCE, settings=SourceSettings(max_concurrent=1))
    with pools.borrowed(narrow, wait_seconds=5, cancel=CancelToken()):
        started = time.monotonic()
        with (
            pytest.raises(QueryTimedOut, match="“Shop” was busy: 1 queries"),
            pools.borrowed(narrow, wait_seconds=0.2, cancel=CancelToken()),
        ):
            pytest.fail("the connection is taken")
        assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("reason", "error"), [("cancelled", QueryCancelled), ("deadline", QueryTimedOut)]
)
def test_waiting_ends_with_a_cancel(pools: Pools[int], reason: str, error: type[Exception]) -> None:
    narrow = replace(SOURCE, settings=SourceSettings(max_concurrent=1))
    cancel = CancelToken()
    timer = threading.Timer(0.1, cancel.cancel, args=(reason,))
    with pools.borrowed(narrow, wait_seconds=5, cancel=CancelToken()):
        timer.start()
        with pytest.raises(error), pools.borrowed(narrow, wait_seconds=60, cancel=cancel):
            pytest.fail("the connection is taken")
    timer.join()


def test_a_failed_opening_takes_no_place(pools: Pools[int], server: Server) -> None:
    server.is_down = True
    for _ in range(3):
        with pytest.raises(EngineUnavailable):
            use(pools)
    server.is_down = False
    with pools.borrowed(SOURCE, wait_seconds=5, cancel=CancelToken()):
        assert use(pools) == 2


def test_connections_that_died_while_idle_are_passed_over(
    pools: Pools[int], server: Server
) -> None:
    with pools.borrowed(SOURCE, wait_seconds=5, cancel=CancelToken()) as first:
        first.keep()
        assert use(pools) == 2

    def only_new(connection: int) -> None:
        if connection < 3:
            raise EngineUnavailable("died")

    borrowed = pools.borrowed(SOURCE, wait_seconds=5, cancel=CancelToken(), ready=only_new)
    with borrowed as lease:
        assert lease.connection == 3
    assert sorted(server.closed) == [1, 2, 3]


def test_a_new_connection_that_is_not_ready_is_an_error(pools: Pools[int], server: Server) -> None:
    def never(_: int) -> None:
        raise EngineUnavailable("not ready")

    with (
        pytest.raises(EngineUnavailable, match="not ready"),
        pools.borrowed(SOURCE, wait_seconds=5, cancel=CancelToken(), ready=never),
    ):
        pytest.fail("it is not ready")
    assert server.closed == [1]
    assert use(pools) == 2


def test_another_address_or_size_gets_another_pool(pools: Pools[int], server: Server) -> None:
    use(pools)
    assert use(pools, replace(SOURCE, sealed_url="two")) == 2
    assert server.closed == [1]
    assert use(pools, replace(SOURCE, source_id="6" * 32)) == 3
    assert use(pools, replace(SOURCE, sealed_url="two", name="Renamed")) == 2


def test_a_connection_of_an_old_address_is_closed_when_it_comes_back(
    pools: Pools[int], server: Server
) -> None:
    with pools.borrowed(SOURCE, wait_seconds=5, cancel=CancelToken()) as lease:
        use(pools, replace(SOURCE, sealed_url="two"))
        lease.keep()
    assert server.closed == [1]


def test_a_connection_that_was_idle_for_long_is_closed(
    pools: Pools[int], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(pools)
    other = replace(SOURCE, source_id="6" * 32)
    monkeypatch.setattr(pool_module, "IDLE_SECONDS", -1.0)
    assert use(pools, other) == 2
    assert server.closed == [1]


def test_closing_closes_what_is_idle_and_later_what_is_not(
    pools: Pools[int], server: Server
) -> None:
    with pools.borrowed(SOURCE, wait_seconds=5, cancel=CancelToken()) as lease:
        use(pools)
        pools.close()
        assert server.closed == [2]
        lease.keep()
    assert server.closed == [2, 1]
    assert use(pools) == 3


def test_after_a_fork_the_parents_connections_are_forgotten(
    pools: Pools[int], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(pools)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert use(pools) == 2
    assert server.closed == []
