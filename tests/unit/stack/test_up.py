from __future__ import annotations

import socket
from pathlib import Path

import pytest

from aiser_app.config import Settings
from aiser_app.errors import Conflict, ServiceUnavailable
from aiser_app.stack.home import Home
from aiser_app.stack.ports import free_ports
from aiser_app.stack.up import Stack, Stopping, check_port, only_one


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.make()
    return home


def settings(home: Home, port: int) -> Settings:
    return Settings.model_validate({"AISER_HOME": home.root, "AISER_PORT": port})


def test_a_taken_port_is_refused_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Conflict, match=f"Port {port} is used by") as caught:
            check_port(Settings(port=port))
    assert "AISER_PORT" in (caught.value.hint or "")
    check_port(Settings(port=free_ports(1)[0]))


def test_only_one_start_per_home(home: Home) -> None:
    second = only_one(home, "http://localhost:4000")
    with (
        only_one(home, "http://localhost:3000"),
        pytest.raises(Conflict, match="already running at http://localhost:3000"),
        second,
    ):
        pytest.fail("two at once")
    with only_one(home, "http://localhost:4000"):
        assert home.lock.read_text() == "http://localhost:4000"


def test_waiting_ends_when_asked_to_stop(home: Home) -> None:
    stack = Stack(settings(home, 1), home, print)
    stack.stop.set()
    with pytest.raises(Stopping):
        stack._wait_for(lambda: False, 60, "nothing")


def test_waiting_ends_when_the_supervisor_is_gone(home: Home) -> None:
    stack = Stack(settings(home, 1), home, print)
    with pytest.raises(ServiceUnavailable, match="supervisor"):
        stack._wait_for(lambda: False, 60, "nothing")


def test_what_the_preparation_says_is_shown(home: Home) -> None:
    said: list[str] = []
    stack = Stack(settings(home, 1), home, said.append)
    stack._relay(iter(['{"step": "Tables are up to date", "seconds": 0.3}']))
    assert said[0].endswith("Tables are up to date (0.3 s).")
    with pytest.raises(ServiceUnavailable) as caught:
        stack._relay(iter(['{"error": "No.", "hint": "Do it."}']))
    assert (caught.value.message, caught.value.hint) == ("No.", "Do it.")


def test_a_start_that_cannot_work_ends_with_status_1_and_the_reason(home: Home) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        stack = Stack(settings(home, server.getsockname()[1]), home, said.append)
        assert stack.run() == 1
    assert "is used by" in said[0]
    assert "AISER_PORT" in said[1]
    assert not home.endpoints.exists()
