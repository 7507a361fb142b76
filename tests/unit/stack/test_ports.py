from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiser_app.stack.ports import free_ports, is_free, keep_ports, port_user


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken: int) -> None:
    assert not is_free(taken)
    assert not is_free(taken, "0.0.0.0")
    assert is_free(free_ports(1)[0])


def test_the_user_of_a_port_is_named(taken: int) -> None:
    assert f"process {os.getpid()}" in (port_user(taken) or "")
    assert port_user(free_ports(1)[0]) is None


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20


def test_ports_are_kept_between_starts(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = keep_ports(file, ["a", "b", "c"])
    assert keep_ports(file, ["a", "b", "c"]) == first


def test_only_a_taken_port_is_replaced(tmp_path: Path, taken: int) -> None:
    file = tmp_path / "ports.json"
    first = keep_ports(file, ["a", "b"])
    file.write_text(json.dumps({**first, "a": taken}))
    second = keep_ports(file, ["a", "b"])
    assert second["b"] == first["b"]
    assert second["a"] not in (taken, second["b"])


@pytest.mark.parametrize("content", ["", "[]", '{"a": "x"}', '{"a": null}'])
def test_a_broken_file_is_made_anew(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ports.json"
    file.write_text(content)
    assert set(keep_ports(file, ["a"])) == {"a"}
    assert set(json.loads(file.read_text())) == {"a"}
