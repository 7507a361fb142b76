"""Starting and stopping as people do it: twice, on a taken port, with orphans about."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from aiser_app.stack.home import PROJECT, Home
from aiser_app.stack.processes import left_behind
from tests.fixtures.app import RunningApp

pytestmark = pytest.mark.e2e
SECOND_START_SECONDS = 20.0


def test_a_second_start_says_where_the_first_one_is(running_app: RunningApp) -> None:
    done = running_app.command("up")
    assert done.returncode == 1
    assert re.search(rf"already running at http://localhost:{running_app.port}\b", done.stderr)
    assert running_app.is_ready()


def test_the_doctor_finds_everything_well(running_app: RunningApp) -> None:
    done = running_app.command("doctor", "--json")
    report = json.loads(done.stdout)
    assert [finding for finding in report["findings"] if not finding["ok"]] == []
    assert done.returncode == 0
    names = {finding["name"] for finding in report["findings"]}
    assert {"postgres-1", "redis-1", "chroma-1", "web-1", "worker-1", "worker-2"} <= names


def test_asking_on_the_command_line(running_app: RunningApp) -> None:
    question = "Which carrier has the worst average arrival delay?"
    done = running_app.command("ask", question, "--json")
    assert done.returncode == 0, done.stderr
    view = json.loads(done.stdout)
    assert view["status"] == "answered"
    assert "Frontier" in view["text"] or "F9" in view["text"]
    text = running_app.command("ask", question)
    assert text.returncode == 0
    assert "SQL: " in text.stdout
    unknown = running_app.command("ask", question, "--source", "nowhere", "--json")
    assert unknown.returncode == 1
    assert json.loads(unknown.stdout)["error"]["code"] == "not_found"


def test_an_orderly_end_and_a_quick_second_start(running_app: RunningApp) -> None:
    before = running_app.pids()
    assert running_app.stop() == 0
    assert [name for name, pid in before.items() if psutil.pid_exists(pid)] == []
    assert not Home(running_app.home.resolve()).endpoints.exists()
    seconds = running_app.start(120)
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # with what else runs here
    assert seconds < SECOND_START_SECONDS * busy


def test_orphans_of_a_killed_start_are_ended_by_the_next(running_app: RunningApp) -> None:
    before = running_app.pids()
    assert running_app.process is not None
    os.kill(running_app.process.pid, signal.SIGKILL)
    os.kill(before["supervisord"], signal.SIGKILL)
    running_app.process.wait()
    assert left_behind(Home(running_app.home.resolve()))
    running_app.start(120)
    assert "left behind" in running_app.output()
    assert [name for name, pid in before.items() if psutil.pid_exists(pid)] == []


def test_the_next_start_takes_over_from_a_killed_up(running_app: RunningApp) -> None:
    before = running_app.pids()
    assert running_app.process is not None
    os.kill(running_app.process.pid, signal.SIGKILL)
    running_app.process.wait()
    assert psutil.pid_exists(before["supervisord"])
    running_app.start(120)
    assert [name for name, pid in before.items() if psutil.pid_exists(pid)] == []


def test_a_taken_port_is_told_with_the_way_out(running_app: RunningApp, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        environment = running_app.environment()
        environment |= {"AISER_HOME": str(tmp_path), "AISER_PORT": str(port)}
        done = subprocess.run(
            [sys.executable, "-m", "aiser_app", "up"],
            env=environment,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"Port {port} is used by" in done.stdout
    assert "AISER_PORT=" in done.stdout


def test_a_first_start_prints_a_link_that_works_once(
    app_folder: Path, running_app: RunningApp
) -> None:
    folder = app_folder / "first-start"
    folder.mkdir()
    app = RunningApp(folder, AISER_ADMIN_EMAIL="", AISER_ADMIN_PASSWORD="", AISER_WORKERS="1")
    try:
        app.start(180)
        link = re.compile(r"/setup\?token=([A-Z0-9]{4}(?:-[A-Z0-9]{4}){3})\n")
        app.wait_until(lambda: bool(link.search(app.output())), 60, "printing a setup link")
        assert app.stop() == 0
        deadline = time.monotonic() + 10
        while left_behind(Home(app.home.resolve())):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        app.remove()
