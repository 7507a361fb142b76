"""supervisord: started in the foreground as our child, spoken to over its private socket."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from aiser_app.errors import ServiceUnavailable
from aiser_app.stack.home import PROJECT, Home
from aiser_app.stack.programs import shared_environment

_START_SECONDS = 20.0
_STOP_SECONDS = 90.0
_START_SUPERVISOR = "import sys; from supervisor.supervisord import main; sys.exit(main())"
_NOT_ANSWERING = (OSError, xmlrpc.client.ProtocolError, xmlrpc.client.Fault)


@dataclass(frozen=True, kw_only=True)
class ProgramState:
    """What supervisord says about one process."""

    name: str
    """Program and number, e.g. `worker-1`."""
    program: str
    group: str
    state: str
    """RUNNING, STARTING, BACKOFF, STOPPED, STOPPING, EXITED, FATAL or UNKNOWN."""
    pid: int
    started: int
    """Unix seconds."""


class Supervisor:
    """One running supervisord of a home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only us, and we stop in order."""
        self._home.supervisor_socket.unlink(missing_ok=True)
        command = [sys.executable, "-c", _START_SUPERVISOR]
        with (self._home.logs / "supervisord.out").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-c", str(self._home.supervisor_config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=PROJECT,
                env={**os.environ, **shared_environment(self._home)},
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_answering():
            if not self.is_alive() or time.monotonic() > deadline:
                raise ServiceUnavailable(
                    "The supervisor did not start.",
                    hint=f"See {self._home.logs / 'supervisord.out'}.",
                )
            time.sleep(0.05)

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def is_answering(self) -> bool:
        try:
            return bool(self._call("getState"))
        except _NOT_ANSWERING:
            return False

    def start_programs(self, names: Iterable[str]) -> None:
        """Start every process of these programs; returns at once, `states` tells how it goes."""
        wanted = set(names)
        for state in self.states():
            if state.program in wanted:
                self._call("startProcess", f"{state.group}:{state.name}", False)

    def restart_failed(self) -> list[str]:
        """Give programs that supervisord gave up on another try; returns their names."""
        failed = [state.name for state in self.states() if state.state == "FATAL"]
        for state in self.states():
            if state.name in failed:
                self._call("startProcess", f"{state.group}:{state.name}", False)
        return failed

    def states(self) -> list[ProgramState]:
        """What runs now.

        Raises:
            ServiceUnavailable: supervisord does not answer.
        """
        try:
            found: list[dict[str, Any]] = self._call("getAllProcessInfo")
        except _NOT_ANSWERING as error:
            raise ServiceUnavailable("The supervisor does not answer.") from error
        return [
            ProgramState(
                name=str(item["name"]),
                program=str(item["name"]).rpartition("-")[0],
                group=str(item["group"]),
                state=str(item["statename"]),
                pid=int(item["pid"]),
                started=int(item["start"]),
            )
            for item in found
        ]

    def stop(self) -> None:
        """Stop all programs in order, services before stores, and supervisord itself."""
        if self._process is None:
            return
        if self.is_alive():
            self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._home.supervisor_socket}")
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)
