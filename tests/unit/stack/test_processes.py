from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from aiser_app.stack.home import Home
from aiser_app.stack.processes import alive, end, left_behind, record, recorded
from aiser_app.stack.programs import STACK_MARK


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.make()
    return home


def sleeper(**environment: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    return process


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = sleeper()
    yield process
    process.kill()
    process.wait()


def test_a_recorded_process_is_found_again(home: Home, child: subprocess.Popen[bytes]) -> None:
    record(home.pids, {"worker-1": child.pid})
    (item,) = recorded(home.pids)
    assert (item.name, item.pid) == ("worker-1", child.pid)
    assert home.pids.stat().st_mode & 0o077 == 0
    assert [process.pid for process in left_behind(home)] == [child.pid]


def test_a_reused_pid_is_left_alone(home: Home, child: subprocess.Popen[bytes]) -> None:
    record(home.pids, {"worker-1": child.pid})
    content = json.loads(home.pids.read_text())
    content[0]["started"] -= 3600  # what ran an hour ago under this pid was another process
    home.pids.write_text(json.dumps(content))
    assert alive(recorded(home.pids)[0]) is None
    assert left_behind(home) == []
    end(left_behind(home))
    assert child.poll() is None


def test_processes_that_are_gone_are_no_trouble(home: Home) -> None:
    process = sleeper()
    record(home.pids, {"worker-1": process.pid})
    process.kill()
    process.wait()
    assert left_behind(home) == []
    record(home.pids, {"worker-1": process.pid})
    assert recorded(home.pids) == []


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"name": "x"}]'])
def test_a_broken_record_counts_as_none(home: Home, content: str) -> None:
    home.pids.write_text(content)
    assert recorded(home.pids) == []


def test_a_marked_process_is_found_without_a_record(home: Home, tmp_path: Path) -> None:
    mine = sleeper(**{STACK_MARK: str(home.root)})
    other = sleeper(**{STACK_MARK: str(tmp_path / "another")})
    try:
        assert [process.pid for process in left_behind(home)] == [mine.pid]
        end(left_behind(home))
        assert not psutil.pid_exists(mine.pid)
        assert other.poll() is None
    finally:
        for process in (mine, other):
            process.kill()
            process.wait()


def test_a_process_that_ignores_the_request_is_killed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiser_app.stack.processes._TERM_SECONDS", 0.3)
    deaf = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True);"
            "time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
    )
    assert deaf.stdout is not None
    deaf.stdout.readline()
    deaf.stdout.close()
    end([psutil.Process(deaf.pid)])
    assert not psutil.pid_exists(deaf.pid)
    deaf.wait(5)
