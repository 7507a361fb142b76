"""A Redis connection of its own for each test, and a server that may be killed."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiser_app.broker.connection import Connection, connect
from aiser_app.stack.ports import free_ports
from aiser_app.stack.valkey import Valkey
from tests.fixtures.servers import RunningServer


@pytest.fixture
def redis(redis_url: str) -> Iterator[Connection]:
    connection = connect(redis_url)
    yield connection
    connection.close()


@pytest.fixture
def run_id() -> str:
    return uuid.uuid4().hex


class KillableRedis:
    """A server of this test alone, with its data in an append-only file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = Valkey(data=folder / "valkey", port=free_ports(1)[0], password="secret")
        self._server.prepare()
        self.url = self._server.url()
        self.start()

    def start(self) -> None:
        self._running = RunningServer(
            self._server.command(), self._folder / "valkey.log", self._server.is_ready
        )

    def kill(self) -> None:
        self._running.stop(signal.SIGKILL)


@pytest.fixture
def killable_redis(tmp_path: Path) -> Iterator[KillableRedis]:
    server = KillableRedis(tmp_path)
    yield server
    server.kill()
