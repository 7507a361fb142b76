"""Kill -9 of each part while people ask: it comes back, nothing committed is lost, every run ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from tests.fixtures.app import RunningApp

pytestmark = pytest.mark.e2e
QUESTION = "number of flights by month"
FINAL = {"answered", "needs_input", "failed", "cancelled"}
BACK_SECONDS = 60
OPEN_RUNS = 5
"""As many as one person may have open at once."""
RUN_SECONDS = 150
"""The default deadline of a run, and a little for the reaper."""


@pytest.fixture
def client(running_app: RunningApp) -> Iterator[httpx.Client]:
    with running_app.client() as client:
        yield client


def ask(client: httpx.Client, wait: float = 60) -> dict[str, Any]:
    answer = client.post("/api/v1/ask", json={"question": QUESTION, "wait": wait})
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def run_view(client: httpx.Client, run_id: str) -> dict[str, Any]:
    """The run as the API shows it; waits out the time in which a part is down."""
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        try:
            answer = client.get(f"/api/v1/runs/{run_id}")
            if answer.status_code < 500:
                answer.raise_for_status()
                found: dict[str, Any] = answer.json()
                return found
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "the API did not come back"
        time.sleep(0.2)


def ended(client: httpx.Client, run_ids: list[str]) -> list[dict[str, Any]]:
    """The finished runs; fails when one is still open after its deadline."""
    deadline = time.monotonic() + RUN_SECONDS
    while True:
        views = [run_view(client, run_id) for run_id in run_ids]
        if all(view["status"] in FINAL for view in views):
            return views
        assert time.monotonic() < deadline, [view["status"] for view in views]
        time.sleep(0.3)


def check_ended_well(views: list[dict[str, Any]]) -> None:
    for view in views:
        assert view["status"] in ("answered", "failed")
        if view["status"] == "answered":
            assert view["row_count"] == 12
        else:
            assert view["error"]["message"]


def wait_for_new_pids(app: RunningApp, before: dict[str, int], *names: str) -> None:
    def replaced() -> bool:
        now = app.pids()
        return all(now.get(name, before[name]) != before[name] for name in names)

    app.wait_until(replaced, BACK_SECONDS, f"{names} started again")
    app.wait_until(app.is_ready, BACK_SECONDS, "ready again")


def test_a_question_is_answered(client: httpx.Client) -> None:
    view = ask(client)
    assert view["status"] == "answered"
    assert view["row_count"] == 12
    assert sum(int(row[-1]) for row in view["rows"]) == 336_776


def test_killed_workers_in_the_middle_of_runs(
    running_app: RunningApp, client: httpx.Client
) -> None:
    before = running_app.pids()
    run_ids = [ask(client, wait=0)["run_id"] for _ in range(OPEN_RUNS)]
    for name in ("worker-1", "worker-2"):
        worker = psutil.Process(before[name])
        for process in [worker, *worker.children(recursive=True)]:
            process.kill()
    wait_for_new_pids(running_app, before, "worker-1", "worker-2")
    views = ended(client, run_ids)
    check_ended_well(views)
    answered = [view for view in views if view["status"] == "answered"]
    assert len(answered) >= OPEN_RUNS - 2, "runs that had not begun must not suffer"


@pytest.mark.parametrize("store", ["postgres-1", "redis-1", "chroma-1", "page-state-1"])
def test_a_killed_store_comes_back_with_what_was_committed(
    running_app: RunningApp, client: httpx.Client, store: str
) -> None:
    earlier = ask(client)
    time.sleep(1.1)  # Valkey writes its file every second, by contract
    before = running_app.pids()
    running_app.kill(store)
    wait_for_new_pids(running_app, before, store)
    again = run_view(client, earlier["run_id"])
    assert (again["status"], again["rows"]) == ("answered", earlier["rows"])
    assert ask(client)["status"] == "answered"


@pytest.mark.parametrize("store", ["postgres-1", "redis-1"])
def test_a_store_killed_while_runs_go_on(
    running_app: RunningApp, client: httpx.Client, store: str
) -> None:
    before = running_app.pids()
    run_ids = [ask(client, wait=0)["run_id"] for _ in range(OPEN_RUNS)]
    running_app.kill(store)
    wait_for_new_pids(running_app, before, store)
    check_ended_well(ended(client, run_ids))


def test_what_is_down_is_told_meanwhile(running_app: RunningApp, client: httpx.Client) -> None:
    """Stopped, not killed, so that it stays away long enough to be looked at."""
    chroma = psutil.Process(running_app.pids()["chroma-1"])
    chroma.suspend()
    try:
        running_app.wait_until(
            lambda: running_app.status("/readyz") == 503, BACK_SECONDS, "not ready"
        )
        checks = {check["name"]: check for check in client.get("/readyz").json()["checks"]}
        assert not checks["chroma"]["ok"]
        assert checks["database"]["ok"]
    finally:
        chroma.resume()
    running_app.wait_until(running_app.is_ready, BACK_SECONDS, "ready again")


def test_a_killed_web_process_comes_back(running_app: RunningApp, client: httpx.Client) -> None:
    earlier = ask(client)
    before = running_app.pids()
    family = psutil.Process(before["web-1"]).children(recursive=True)
    running_app.kill("web-1")
    psutil.wait_procs(family, timeout=BACK_SECONDS)  # they answer for a moment still
    wait_for_new_pids(running_app, before, "web-1")
    assert run_view(client, earlier["run_id"])["rows"] == earlier["rows"]


def test_a_killed_supervisor_is_replaced_with_all_it_had(
    running_app: RunningApp, client: httpx.Client
) -> None:
    earlier = ask(client)
    before = running_app.pids()
    running_app.kill("supervisord")
    wait_for_new_pids(running_app, before, *before)
    assert not [pid for pid in before.values() if psutil.pid_exists(pid)]
    assert run_view(client, earlier["run_id"])["rows"] == earlier["rows"]


def test_everything_killed_in_the_middle_of_runs_then_started(running_app: RunningApp) -> None:
    with running_app.client() as client:
        earlier = ask(client)
        time.sleep(1.1)
        run_ids = [ask(client, wait=0)["run_id"] for _ in range(2)]
        time.sleep(1.1)
        run_ids += [ask(client, wait=0)["run_id"] for _ in range(2)]
    running_app.kill_everything()
    running_app.start(120)
    with running_app.client() as client:
        assert run_view(client, earlier["run_id"])["rows"] == earlier["rows"]
        check_ended_well(ended(client, run_ids))
