import base64
import hashlib
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from aiser_app.ui.security import PageGate, content_security_policy, is_own_origin, script_hashes

HTML = b"""<html><script>first()</script><script src="/a.js"></script>
<script type="module" async="">second("</x>")</script><script></script></html>"""


def digest(script: bytes) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(script).digest()).decode() + "'"


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "index.html").write_bytes(HTML)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "index.html").write_bytes(b"<script>third()</script>")

    async def page(_request) -> Response:
        return PlainTextResponse("page")

    async def strict(_request) -> Response:
        return PlainTextResponse("api", headers={"content-security-policy": "default-src 'none'"})

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("in")
        await websocket.close()

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/api", strict),
            Route("/assets/a-1b2c.js", page),
            Route("/_upload", page, methods=["GET", "POST"]),
            WebSocketRoute("/_event/", socket),
            WebSocketRoute("/_event/echo", echo),
        ]
    )
    return TestClient(PageGate(app, tmp_path))


def test_every_inline_script_of_the_build_is_hashed_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_bytes(HTML)

    assert script_hashes([file]) == sorted([digest(b"first()"), digest(b'second("</x>")')])


def test_the_policy_runs_no_inline_script_and_evaluates_nothing() -> None:
    policy = content_security_policy(["'sha256-x'"])
    scripts = next(p for p in policy.split("; ") if p.startswith("script-src"))

    assert scripts == "script-src 'self' 'sha256-x'"
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_pages_get_the_headers(client: TestClient) -> None:
    headers = client.get("/").headers

    assert digest(b"third()") in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache"


def test_hashed_files_may_be_kept_for_ever(client: TestClient) -> None:
    assert "immutable" in client.get("/assets/a-1b2c.js").headers["cache-control"]


def test_stricter_headers_stay_as_they_are(client: TestClient) -> None:
    assert client.get("/api").headers["content-security-policy"] == "default-src 'none'"


@pytest.mark.parametrize("path", ["/_upload", "/_upload/x", "/_all_routes"])
def test_what_nothing_uses_is_closed(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


@pytest.mark.parametrize(
    "origin", ["http://evil.test", "https://testserver.evil.test", "null", "http://testserver:81"]
)
def test_sockets_of_other_sites_are_refused(client: TestClient, origin: str) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("/_event/", headers={"origin": origin}),
    ):
        pass
    assert refused.value.code == 1008


def test_polling_of_other_sites_is_refused(client: TestClient) -> None:
    refused = client.get("/_event/?EIO=4", headers={"origin": "http://evil.test"})

    assert refused.status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_the_socket_has_no_side_door_over_plain_http(client: TestClient, method: str) -> None:
    for transport in ("polling", "websocket"):
        address = f"/_event/?EIO=4&transport={transport}&sid=x"
        assert client.request(method, address).text == "There is nothing at this address."


def test_frames_that_do_not_fit_are_answered_here(client: TestClient) -> None:
    with client.websocket_connect("/_event/echo") as socket:
        socket.send_text("garbage")
        assert "not of the protocol" in socket.receive_text()
        socket.send_text("2")
        assert socket.receive_text() == "2"


@pytest.mark.parametrize("headers", [{}, {"origin": "http://testserver"}])
def test_own_pages_and_clients_without_a_page_may_connect(
    client: TestClient, headers: dict[str, str]
) -> None:
    with client.websocket_connect("/_event/", headers=headers) as socket:
        assert socket.receive_text() == "in"


def test_the_scheme_does_not_matter_behind_a_proxy_but_the_port_does() -> None:
    assert is_own_origin(Headers({"origin": "https://a.test", "host": "a.test"}))
    assert not is_own_origin(Headers({"origin": "http://a.test:81", "host": "a.test"}))
