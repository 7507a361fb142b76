"""`aiser up`: everything on this machine, from nothing to a ready address, and its orderly end."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from aiser_app.config import Settings, load_settings
from aiser_app.errors import AiserError, Conflict, ServiceUnavailable
from aiser_app.stack import frontend
from aiser_app.stack.chroma import Chroma
from aiser_app.stack.doctor import answers
from aiser_app.stack.home import PROJECT, Home, write_private
from aiser_app.stack.ports import is_free, keep_ports, port_user
from aiser_app.stack.postgres import Postgres
from aiser_app.stack.processes import end, left_behind, record
from aiser_app.stack.programs import EmbeddedStores, render, service_programs
from aiser_app.stack.supervision import ProgramState, Supervisor
from aiser_app.stack.valkey import Valkey

STORE_SECONDS, READY_SECONDS = 60.0, 120.0
PORT_NAMES = ("postgres", "redis", "page-state", "chroma")
_WATCH_EVERY = 1.0
_RETRY_FAILED_EVERY = 30.0


class Stopping(Exception):
    """Somebody asked us to end."""


class Stack:
    """One start of everything; `report` shows a line to whoever started us."""

    def __init__(self, settings: Settings, home: Home, report: Callable[[str], None]) -> None:
        self._settings = settings
        self._home = home
        self._report = report
        self._begun = time.monotonic()
        self._supervisor = Supervisor(home)
        self.stop = threading.Event()

    def run(self) -> int:
        """Start, watch, and stop in order; returns the exit status."""
        try:
            while not self.stop.is_set():
                self._start()
                self._watch()
                if not self.stop.is_set():
                    self._say("The supervisor died: ending what it left behind, starting again.")
                    end(left_behind(self._home))
        except Stopping:
            pass
        except AiserError as error:
            self._say(f"Aiser did not start: {error.message}")
            if error.hint:
                self._say(error.hint)
            return 1
        except OSError as error:  # a full disk, a folder that is not ours
            self._say(f"Aiser did not start: {error}")
            return 1
        finally:
            self._end()
        return 0

    def _say(self, line: str) -> None:
        self._report(f"{time.monotonic() - self._begun:6.1f} s  {line}")

    # start

    def _start(self) -> None:
        settings, home = self._settings, self._home
        check_port(settings)
        ports = keep_ports(home.ports, PORT_NAMES)
        stores = EmbeddedStores.for_home(home, settings, ports)
        stores.prepare()
        services = service_programs(settings, stores.state_url(settings))
        write_private(home.supervisor_config, render(home, [*stores.programs(), *services]))
        with ThreadPoolExecutor(max_workers=1) as pool:
            pages = pool.submit(self._build_pages)
            try:
                self._start_stores(stores)
                self._prepare()
                self._supervisor.start_programs(["worker", "scheduler"])
                self._wait_for_stores({"Chroma": stores.chroma})  # the slowest, needed last
                self._wait_for(pages.done, READY_SECONDS * 8, "the pages")
                pages.result()
                self._say("Starting the web process; the workers load meanwhile …")
                self._supervisor.start_programs(["web"])
            except (AiserError, Stopping):
                self.stop.set()  # ends the build too
                raise
        self._wait_until_ready()

    def _build_pages(self) -> None:
        if frontend.is_built():
            return
        self._say("Compiling the pages (only at first start and after changes) …")
        begun = time.monotonic()
        frontend.build(self._home.logs / "frontend.log", self._say, self.stop)
        self._say(f"Pages are compiled ({time.monotonic() - begun:.0f} s).")

    def _start_stores(self, stores: EmbeddedStores) -> None:
        self._supervisor.start()
        programs = stores.programs()
        self._supervisor.start_programs([program.name for program in programs])
        self._remember()
        self._wait_for_stores(
            {
                "PostgreSQL": stores.postgres,
                "Valkey (queues)": stores.redis,
                "Valkey (page state)": stores.page_state,
            }
        )
        write_private(self._home.endpoints, json.dumps(stores.endpoints()))

    def _wait_for_stores(self, servers: Mapping[str, Postgres | Valkey | Chroma | None]) -> None:
        for name, server in servers.items():
            if server is not None:
                self._wait_for(server.is_ready, STORE_SECONDS, name)
                self._say(f"{name} is ready.")
        self._remember()

    def _prepare(self) -> None:
        """Tables, sample and first owner, in a process that ends when it is done."""
        command = [sys.executable, "-m", "aiser_app.stack.prepare"]
        log = self._home.logs / "prepare.log"
        with log.open("ab") as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=PROJECT,
                env={**os.environ, "AISER_HOME": str(self._home.root)},
                text=True,
                start_new_session=True,
            )
        assert process.stdout is not None  # noqa: S101 - PIPE above
        lines = process.stdout
        reader = ThreadPoolExecutor(max_workers=1)
        try:
            done: Future[None] = reader.submit(self._relay, lines)
            self._wait_for(done.done, STORE_SECONDS * 10, "the preparation")
            done.result()
            if process.wait() != 0:
                raise ServiceUnavailable("The preparation failed.", hint=f"See {log}.")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            reader.shutdown()
            lines.close()

    def _relay(self, lines: Iterator[str]) -> None:
        for line in lines:
            content: dict[str, Any] = json.loads(line)
            if "step" in content:
                self._say(f"{content['step']} ({content['seconds']} s).")
            elif "error" in content:
                raise ServiceUnavailable(content["error"], hint=content.get("hint"))
            else:
                self._setup_token = content.get("setup_token")

    _setup_token: str | None = None

    def _wait_until_ready(self) -> None:
        address = "127.0.0.1" if self._settings.host == "0.0.0.0" else self._settings.host  # noqa: S104
        self._wait_for(
            lambda: answers(address, self._settings.port, "/livez"),
            READY_SECONDS,
            "the web process",
        )
        self._say("Web answers.")
        self._remember()
        try:
            self._wait_for(
                lambda: answers(address, self._settings.port, "/readyz"),
                READY_SECONDS,
                "all parts",
            )
        except ServiceUnavailable as error:
            self._say(f"{error.message} Run `python -m aiser_app doctor` to see what is missing.")
        self._remember()
        self._say(f"Aiser is ready at {self._settings.url}")
        if self._setup_token:
            self._report("")
            self._report("Nobody owns this installation yet. Open this once, within 30 minutes:")
            self._report(f"  {self._settings.url}/setup?token={self._setup_token}")
            self._report("")
            self._setup_token = None

    def _wait_for(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        pause = 0.03
        while not condition():
            if self.stop.is_set():
                raise Stopping
            if not self._supervisor.is_alive():
                raise ServiceUnavailable("The supervisor died during the start.")
            if time.monotonic() > deadline:
                raise ServiceUnavailable(
                    f"Waiting for {what} took longer than {seconds:.0f} s.",
                    hint=f"The logs are in {self._home.logs}.",
                )
            self.stop.wait(pause)
            pause = min(pause * 1.3, 0.25)

    # watch

    def _watch(self) -> None:
        """Until asked to stop or the supervisor is gone: note restarts, retry what was given up."""
        known = {state.name: state.pid for state in self._remember()}
        next_retry = time.monotonic() + _RETRY_FAILED_EVERY
        while not self.stop.wait(_WATCH_EVERY) and self._supervisor.is_alive():
            states = self._remember()
            for state in states:
                if state.pid and known.get(state.name) not in (None, state.pid):
                    self._say(f"{state.name} had ended and was started again.")
                if state.pid:
                    known[state.name] = state.pid
            if time.monotonic() >= next_retry:
                next_retry += _RETRY_FAILED_EVERY
                with suppress(ServiceUnavailable, OSError):
                    for name in self._supervisor.restart_failed():
                        self._say(f"{name} keeps ending, trying again: see {self._home.logs}.")

    _written: Mapping[str, int] | None = None

    def _remember(self) -> list[ProgramState]:
        """Write down what runs, so that the next start can clean up after a crash."""
        try:
            states = self._supervisor.states()
        except ServiceUnavailable:
            return []
        pids = {state.name: state.pid for state in states if state.pid}
        if self._supervisor.pid:
            pids["supervisord"] = self._supervisor.pid
        if pids != self._written:
            record(self._home.pids, pids)
            self._written = pids
        return states

    # end

    def _end(self) -> None:
        if not self._supervisor.is_alive():
            end(left_behind(self._home))
        else:
            self._say("Stopping: first the web and worker processes, then the stores …")
            self._supervisor.stop()
            end(left_behind(self._home))
        for file in (self._home.endpoints, self._home.pids):
            file.unlink(missing_ok=True)
        self._say("Stopped.")


def up(report: Callable[[str], None]) -> int:
    """Run the whole stack until it is told to stop; returns the exit status."""
    settings = load_settings()
    home = Home(settings.home)
    home.make()
    with only_one(home, settings.url):
        leftovers = left_behind(home)
        if leftovers:
            report(f"Ending {len(leftovers)} processes that an earlier start left behind …")
            end(leftovers)
        home.endpoints.unlink(missing_ok=True)
        settings = load_settings()  # again: without the addresses of the earlier start
        stack = Stack(settings, home, report)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, lambda *_: stack.stop.set())
        report(f"Starting Aiser. Data: {home.root}")
        return stack.run()


@contextmanager
def only_one(home: Home, url: str) -> Iterator[None]:
    """Hold the home's lock while we run; the system lets go of it however we end.

    Raises:
        Conflict: another process holds it; says where that one can be reached.
    """
    with home.lock.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            address = handle.read().strip() or url
            raise Conflict(f"Aiser is already running at {address}.") from None
        handle.truncate(0)
        handle.write(url)
        handle.flush()
        yield


def check_port(settings: Settings) -> None:
    """Refuse to start where somebody else listens.

    Raises:
        Conflict: names the setting that chooses another port.
    """
    if is_free(settings.port, settings.host):
        return
    user = port_user(settings.port)
    raise Conflict(
        f"Port {settings.port} is used by {user or 'another program'}.",
        hint="Stop that program, or choose another port, for example AISER_PORT=3001.",
    )
