"""A stub of Trino's statement protocol: POST /v1/statement, then GET nextUri until there is none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TYPES = {
    "integer": {"rawType": "integer", "arguments": []},
    "varchar": {"rawType": "varchar", "arguments": [{"kind": "LONG", "value": 10}]},
    "decimal(10,2)": {
        "rawType": "decimal",
        "arguments": [{"kind": "LONG", "value": 10}, {"kind": "LONG", "value": 2}],
    },
    "timestamp(3) with time zone": {
        "rawType": "timestamp with time zone",
        "arguments": [{"kind": "LONG", "value": 3}],
    },
    "timestamp(3)": {"rawType": "timestamp", "arguments": [{"kind": "LONG", "value": 3}]},
    "date": {"rawType": "date", "arguments": []},
    "array(integer)": {
        "rawType": "array",
        "arguments": [{"kind": "TYPE", "value": {"rawType": "integer", "arguments": []}}],
    },
}


class StubTrino:
    """`answers` maps a text to (columns, pages of rows); an error is a dictionary."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "SELECT version()": ([("v", "varchar")], [[["480"]]]),
            "SELECT 1": ([("one", "integer")], [[[1]]]),
        }
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.deleted = threading.Event()
        self.port = 0
        self.foreign_next = ""
        """Where a hostile server sends the client next."""

    @contextmanager
    def running(self) -> Iterator[StubTrino]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
                stub.asked.append((sql, dict(self.headers)))
                self._json(stub.page(sql, 0))

            def do_GET(self) -> None:
                number, _, page = self.path.removeprefix("/next/").partition("/")
                self._json(stub.page(stub.asked[int(number)][0], int(page), int(number)))

            def do_DELETE(self) -> None:
                stub.deleted.set()
                self.send_response(204)
                self.end_headers()

            def _json(self, value: object) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def page(self, sql: str, page: int, number: int | None = None) -> dict[str, Any]:
        number = len(self.asked) - 1 if number is None else number
        base = f"http://127.0.0.1:{self.port}"
        found: dict[str, Any] = {
            "id": f"q{number}",
            "infoUri": base,
            "stats": {"state": "RUNNING"},
            "warnings": [],
        }
        answer = self.answers.get(sql, ([], [])) if not sql.startswith("SET") else ([], [])
        if isinstance(answer, dict):
            return {**found, "error": answer, "stats": {"state": "FAILED"}}
        if answer == "endless" and self.deleted.is_set():
            gone = {"errorName": "USER_CANCELED", "errorType": "USER_ERROR", "message": "canceled"}
            return {**found, "error": gone, "stats": {"state": "FAILED"}}
        if answer == "endless":
            return {**found, "nextUri": f"{base}/next/{number}/{page + 1}"}
        columns, pages = answer
        if columns:
            found["columns"] = [
                {"name": name, "type": kind, "typeSignature": TYPES[kind]} for name, kind in columns
            ]
        if page > 0 and page <= len(pages):
            found["data"] = pages[page - 1]
        if page < len(pages):
            found["nextUri"] = self.foreign_next or f"{base}/next/{number}/{page + 1}"
        else:
            found["stats"]["state"] = "FINISHED"
        return found
