"""The stores under their supervisor: what dies comes back with its data, orphans are ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from aiser_app.config import Settings
from aiser_app.stack.home import Home, write_private
from aiser_app.stack.ports import keep_ports
from aiser_app.stack.processes import end, left_behind, record
from aiser_app.stack.programs import SERVICES, EmbeddedStores, Program, render
from aiser_app.stack.supervision import Supervisor
from aiser_app.stack.up import PORT_NAMES

pytestmark = pytest.mark.integration
SECONDS = 60


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Stores:
    """Embedded stores of one home under one supervisor."""

    def __init__(self, folder: Path, *more: Program) -> None:
        self.home = Home(folder)
        self.home.make()
        ports = keep_ports(self.home.ports, PORT_NAMES)
        self.embedded = EmbeddedStores.for_home(self.home, Settings(), ports)
        self.embedded.prepare()
        programs = [*self.embedded.programs(), *more]
        write_private(self.home.supervisor_config, render(self.home, programs))
        self.supervisor = Supervisor(self.home)
        self.supervisor.start()
        self.supervisor.start_programs([program.name for program in programs])
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        assert self.embedded.postgres
        assert self.embedded.redis
        assert self.embedded.chroma
        wait_for(self.embedded.postgres.is_ready)
        wait_for(self.embedded.redis.is_ready)
        wait_for(self.embedded.chroma.is_ready)

    def pids(self) -> dict[str, int]:
        return {state.name: state.pid for state in self.supervisor.states() if state.pid}

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        assert self.embedded.postgres
        return psycopg.connect(self.embedded.postgres.url(), autocommit=True)

    def redis(self) -> redis.Redis:
        assert self.embedded.redis
        return redis.Redis.from_url(self.embedded.redis.url())


@pytest.fixture(scope="module")
def stores(server_folder: Path) -> Iterator[Stores]:
    folder = server_folder / "supervised"
    found = Stores(folder)
    yield found
    found.supervisor.stop()
    end(left_behind(found.home))


def test_killed_stores_come_back_with_what_was_committed(stores: Stores) -> None:
    with stores.connect() as connection:
        connection.execute("create table kept as select generate_series(1, 1000) as n")
    with stores.redis() as client:
        client.set("kept", "1")
    time.sleep(1.1)  # the append-only file is written out every second, by contract
    before = stores.pids()
    for name in ("postgres-1", "redis-1", "chroma-1"):
        os.kill(before[name], signal.SIGKILL)
    wait_for(
        lambda: all(stores.pids().get(n, p) != p for n, p in before.items() if "state" not in n)
    )
    stores.wait_until_ready()
    with stores.connect() as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (1000,)
    with stores.redis() as client:
        assert client.get("kept") == b"1"


def test_orphans_of_a_killed_supervisor_are_ended_and_nothing_is_lost(server_folder: Path) -> None:
    folder = server_folder / "orphaned"
    first = Stores(folder)
    with first.connect() as connection:
        connection.execute("create table kept as select 1 as n")
    pids = first.pids()
    assert first.supervisor.pid
    record(first.home.pids, {**pids, "supervisord": first.supervisor.pid})
    os.kill(first.supervisor.pid, signal.SIGKILL)
    wait_for(lambda: not first.supervisor.is_alive())
    assert {process.pid for process in left_behind(first.home)} == set(pids.values())
    end(left_behind(first.home))
    assert not any(psutil.pid_exists(pid) for pid in pids.values())
    second = Stores(folder)
    try:
        with second.connect() as connection:
            assert connection.execute("select n from kept").fetchone() == (1,)
        assert second.embedded.endpoints() == first.embedded.endpoints()  # ports are kept
    finally:
        second.supervisor.stop()


def test_a_program_that_keeps_failing_is_tried_again(server_folder: Path) -> None:
    mark = server_folder / "mark"
    program = Program(
        name="odd", command=["/bin/sh", "-c", f"test -e {mark} && sleep 99"], group=SERVICES
    )
    home = Home(server_folder / "failing")
    home.make()
    text = render(home, [program]).replace("startretries=20", "startretries=0")
    write_private(home.supervisor_config, text)
    supervisor = Supervisor(home)
    supervisor.start()
    try:
        supervisor.start_programs(["odd"])
        wait_for(lambda: supervisor.states()[0].state == "FATAL")
        mark.touch()
        assert supervisor.restart_failed() == ["odd-1"]
        wait_for(lambda: supervisor.states()[0].state == "RUNNING")
    finally:
        supervisor.stop()
