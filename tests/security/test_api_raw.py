"""The API behind the real server, spoken to byte by byte."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.broker.run_events import RunEventLog
from aiser_app.domain.actor import Role
from aiser_app.domain.run import EventKind
from tests.fixtures.organizations import PASSWORD, Tenant, add_run, finish_run

pytestmark = [pytest.mark.integration, pytest.mark.security]

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 30


@pytest.fixture(scope="module")
def port(web_services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The API alone, on the server that Aiser is run with."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = web_services.settings
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "AISER_HOME": str(settings.home),
    }
    log = tmp_path_factory.mktemp("raw") / "server.log"
    command = [
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--factory"),
        *("--host", "127.0.0.1", "--port", str(port), "aiser_app.api.app:build_api"),
    ]
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=stream, stderr=stream
        )
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/livez", timeout=2)
            break
        except httpx.HTTPError:
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                pytest.fail(log.read_text()[-2000:])
            time.sleep(0.1)
    yield port
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    assert "Traceback" not in log.read_text()
    assert PASSWORD not in log.read_text()


def exchange(port: int, *parts: bytes, seconds: float = 10) -> bytes:
    """Send bytes as they are; what comes back until the server closes or falls silent."""
    received = b""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=seconds)) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            while chunk := connection.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionError):
            pass
    return received


def head(path: str, method: str = "POST", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def is_alive(port: int) -> bool:
    return httpx.get(f"http://127.0.0.1:{port}/livez", timeout=5).status_code == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\xff garbage\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/v1/ask HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST /api/v1/ask HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /api/v1/runs/\x01\x02 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 2_000_000 + b"\r\n\r\n",
    ],
    ids=[
        "noise",
        "version",
        "two lengths",
        "bad chunk",
        "control bytes",
        "long path",
        "long header",
    ],
)
def test_bytes_that_are_no_request(port: int, raw: bytes) -> None:
    reply = exchange(port, raw, seconds=1)
    assert b" 500 " not in reply.split(b"\r\n")[0]
    assert b"Traceback" not in reply
    assert is_alive(port)


def test_bytes_that_are_no_body(port: int) -> None:
    for body in (b"\x00\xff\xfe", b"{" * 1000, b'{"email": "\xc3\x28"}'):
        reply = exchange(
            port,
            head(
                "/api/v1/auth/login", Content_Type="application/json", Content_Length=str(len(body))
            ),
            body,
        )
        status, _, rest = reply.partition(b"\r\n")
        assert status.split()[1] in (b"400", b"422")
        assert "error" in json.loads(rest.rpartition(b"\r\n\r\n")[2])


def test_a_body_without_an_end_is_cut_off_at_the_limit(port: int) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    reply = exchange(
        port,
        head("/api/v1/auth/login", Content_Type="application/json", Transfer_Encoding="chunked"),
        *[chunk] * 20,
        b"0\r\n\r\n",
    )
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert is_alive(port)


def test_a_body_that_is_announced_and_never_comes(port: int) -> None:
    exchange(
        port,
        head("/api/v1/auth/login", Content_Type="application/json", Content_Length="1000"),
        b"{",
        seconds=1,
    )
    assert is_alive(port)


@contextmanager
def session_of(port: int, tenant: Tenant) -> Iterator[httpx.Client]:
    body = {"email": tenant.users[Role.ANALYST].email, "password": PASSWORD}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=20) as client:
        assert client.post("/auth/login", json=body).status_code == 200
        yield client


def test_events_reach_the_client_while_the_run_goes_on(
    port: int, tenant: Tenant, web_services: Services
) -> None:
    run = add_run(web_services.engine, tenant.actor(), tenant.source)
    log = RunEventLog(web_services.redis)
    log.append(run.run_id, EventKind.QUEUED, {})
    arrived: list[tuple[str, float]] = []
    sent_at = 0.0
    with (
        session_of(port, tenant) as client,
        client.stream("GET", f"/runs/{run.run_id}/events") as reply,
    ):
        assert reply.status_code == 200
        for line in reply.iter_lines():
            if not line.startswith("event: "):
                continue
            arrived.append((line.removeprefix("event: "), time.monotonic()))
            if line == "event: queued":
                sent_at = time.monotonic()
                log.append(run.run_id, EventKind.STEP, {"key": "a"})
            elif line == "event: step":
                finish_run(web_services.engine, run)
                log.append(run.run_id, EventKind.ANSWER, {"text": "x"})
    assert [kind for kind, _ in arrived] == ["queued", "step", "answer"]
    assert arrived[1][1] - sent_at < 1.0


def test_clients_that_leave_take_nothing_with_them(
    port: int, tenant: Tenant, web_services: Services
) -> None:
    """Forty streams are torn off; the server goes on answering at once."""
    run = add_run(web_services.engine, tenant.actor(), tenant.source)
    RunEventLog(web_services.redis).append(run.run_id, EventKind.QUEUED, {})
    with session_of(port, tenant) as client:
        request = head(
            f"/api/v1/runs/{run.run_id}/events",
            "GET",
            Cookie=f"aiser_session={client.cookies['aiser_session']}",
        )
        for _ in range(40):
            with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
                connection.sendall(request)
                assert connection.recv(200).startswith(b"HTTP/1.1 200 ")
        begun = time.monotonic()
        assert client.get("/auth/me").status_code == 200
        assert time.monotonic() - begun < 1
        finish_run(web_services.engine, run)


def test_those_who_wait_do_not_keep_others_from_being_served(
    port: int, tenant: Tenant, web_services: Services
) -> None:
    with session_of(port, tenant) as client:
        replies: list[int] = []

        def wait() -> None:
            body = {"question": "nobody answers this", "wait": 3}
            replies.append(client.post("/ask", json=body).status_code)

        waiting = [threading.Thread(target=wait) for _ in range(3)]
        for thread in waiting:
            thread.start()
        slowest = 0.0
        for _ in range(20):
            begun = time.monotonic()
            assert client.get("/conversations").status_code == 200
            slowest = max(slowest, time.monotonic() - begun)
        for thread in waiting:
            thread.join()
    assert replies == [202, 202, 202]
    assert slowest < 2
