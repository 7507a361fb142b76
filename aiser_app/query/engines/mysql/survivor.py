"""Ends the queries of a process that was killed: MySQL and MariaDB do not notice that it is gone.

A small process lives beside the one that queries, is told of each connection, and hears by the end
of its input that the other has died. Then it says KILL for every connection that was open. It loads
nothing but the driver, and runs as a script: `python survivor.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, TypedDict

import pymysql

if TYPE_CHECKING:
    from aiser_app.query.connection import Address

KILL_SECONDS = 2


class Known(TypedDict):
    """A connection that is open: its number in the server, and how to reach that."""

    thread: int
    place: str
    """The address that the connection has; the name is not resolved again."""
    host: str
    port: int
    user: str
    password: str
    mode: str
    """As `ssl_mode` of the source's URL."""


class Survivor:
    """The other process, from the side of the one that may die. Started with the first connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, Known] = {}
        self._process: subprocess.Popen[str] | None = None
        self._pid = os.getpid()

    def add(self, key: int, thread: int, place: str, address: Address) -> None:
        """A connection was opened; `key` names it here."""
        known = Known(
            thread=thread,
            place=place,
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            mode=address.parameters.get("ssl_mode", "preferred"),
        )
        with self._lock:
            if self._pid != os.getpid():  # after a fork it belongs to the parent
                self._open, self._process, self._pid = {}, None, os.getpid()
            self._open[key] = known
            self._tell({str(key): known})

    def remove(self, key: int) -> None:
        """The connection was closed in order."""
        with self._lock:
            if self._open.pop(key, None) is not None:
                self._tell({str(key): None})

    def close(self) -> None:
        """Let it end; it has nothing to do any more."""
        with self._lock:
            process, self._process = self._process, None
            self._open = {}
            if process is not None and self._pid == os.getpid() and process.poll() is None:
                with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                    process.communicate("{}\n", timeout=KILL_SECONDS)

    def _tell(self, change: dict[str, Known | None]) -> None:
        """Without it queries run all the same; then only their time limit ends orphaned ones."""
        process = self._process
        try:
            if process is None or process.poll() is not None or process.stdin is None:
                process = self._process = _started()
                change = {str(key): known for key, known in self._open.items()}
            assert process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
            process.stdin.write(json.dumps(change) + "\n")
            process.stdin.flush()
        except OSError:
            self._process = None


def _started() -> subprocess.Popen[str]:
    """In a session of its own: what is sent to the group of the other must not reach it."""
    return subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def kill(known: Known) -> None:
    """End a connection in its server. Raises what the driver raises."""
    sock = socket.create_connection((known["place"], known["port"]), KILL_SECONDS)
    connection: Any = pymysql.connect(
        host=known["host"],
        port=known["port"],
        user=known["user"],
        password=known["password"],
        connect_timeout=KILL_SECONDS,
        read_timeout=KILL_SECONDS,
        defer_connect=True,
        **_encryption(known["mode"]),
    )
    connection.connect(sock)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"KILL CONNECTION {known['thread']:d}")


def _encryption(mode: str) -> dict[str, Any]:
    if mode == "disabled":
        return {"ssl_disabled": True}
    if mode == "preferred":
        return {}
    context = ssl.create_default_context()
    if mode == "required":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


def main() -> None:
    """Listen until the input ends, then clear up. An empty change means that nothing is left."""
    left: dict[str, Known] = {}
    for line in sys.stdin:
        changes: dict[str, Known | None] = json.loads(line)
        if not changes:
            left = {}
        for key, known in changes.items():
            left.pop(key, None)
            if known is not None:
                left[key] = known
    threads = [threading.Thread(target=_kill_quietly, args=[known]) for known in left.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _kill_quietly(known: Known) -> None:
    with contextlib.suppress(OSError, pymysql.err.Error):
        kill(known)


if __name__ == "__main__":
    main()
