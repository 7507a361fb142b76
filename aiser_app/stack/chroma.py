"""Embedded Chroma: `chroma run` of the wheel, the only process that opens its folder.

It has no sign-in of its own, so it listens on loopback only.
"""

from __future__ import annotations

import http.client
import sys
from dataclasses import dataclass
from pathlib import Path

STOP_SIGNAL = "TERM"
_START = "import sys; from chromadb.cli.cli import app; sys.exit(app())"


@dataclass(frozen=True, kw_only=True)
class Chroma:
    """One embedded server."""

    data: Path
    port: int

    def command(self) -> list[str]:
        place = ["--path", str(self.data), "--host", "127.0.0.1", "--port", str(self.port)]
        return [sys.executable, "-c", _START, "run", *place]

    def environment(self) -> dict[str, str]:
        return {"ANONYMIZED_TELEMETRY": "False"}

    def prepare(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)

    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/api/v2/heartbeat")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
