"""A Cube that says what a test tells it to, over a real socket."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[[BaseHTTPRequestHandler], None]
WAIT = {"error": "Continue wait"}


def says(content: Any, status: int = 200) -> Script:
    """Answers with JSON, or with bytes as they are."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def redirects(to: str) -> Script:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def hangs(until: threading.Event) -> Script:
    """Takes the request, and says nothing until the test is over."""
    return lambda _handler: until.wait(30) and None


def starts_and_hangs(until: threading.Event) -> Script:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b'{"results": [')
        handler.wfile.flush()
        until.wait(30)

    return answer


def breaks_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"results"')
    handler.close_connection = True


def speaks_another_protocol(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"220 mail.example ESMTP\r\n")


def sql(
    text: str = "SELECT count(*) FROM items", values: list[Any] | None = None, **more: Any
) -> Script:
    return says({"sql": {"sql": [text, values or []], "external": False, **more}})


def rows(*found: Mapping[str, Any], **more: Any) -> Script:
    return says({"queryType": "regularQuery", "results": [{"data": list(found), **more}]})


@dataclass
class ScriptedCube:
    """Scripts by path, used up one by one; the last of a path stays."""

    scripts: dict[str, deque[Script]] = field(default_factory=lambda: defaultdict(deque))
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    """(path, headers in lower case, body)"""
    port: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def on(self, path: str, *scripts: Script) -> ScriptedCube:
        self.scripts[path] = deque(scripts)
        return self

    def bodies(self, path: str) -> list[Any]:
        return [body for asked, _, body in self.requests if asked == path]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.removeprefix("/cubejs-api/v1")
        length = int(handler.headers.get("Content-Length") or 0)
        body = json.loads(handler.rfile.read(length)) if length else None
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.times.append(time.monotonic())
        self.requests.append((path, headers, body))
        scripts = self.scripts[path]
        if not scripts:
            says({"error": "no script"}, 500)(handler)
            return
        (scripts.popleft() if len(scripts) > 1 else scripts[0])(handler)


@contextmanager
def scripted_cube() -> Iterator[ScriptedCube]:
    cube = ScriptedCube()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            cube.answer(self)

        def do_POST(self) -> None:
            cube.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Whoever hung up has heard enough."""

    server = Server(("127.0.0.1", 0), Handler)
    cube.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield cube
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
