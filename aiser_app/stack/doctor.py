"""What runs, what is wrong, and how to mend it; works when nothing runs."""

from __future__ import annotations

import fcntl
import http.client
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from aiser_app.config import Settings
from aiser_app.errors import AiserError
from aiser_app.stack import frontend
from aiser_app.stack.home import Home
from aiser_app.stack.ports import is_free, port_user
from aiser_app.stack.supervision import Supervisor

SUPPORTED = ((3, 11), (3, 13))
"""First and last Python version that the locked packages are made for."""
LEAST_FREE_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; never raises, what cannot be looked at is a finding."""
    home = Home(settings.home)
    findings = [check_python(), check_home(home), check_disk(home), check_pages()]
    running = is_running(home)
    findings += check_processes(home, running=running)
    findings.append(check_web(settings, running=running))
    if settings.database_url and settings.redis_url:
        findings += check_readiness(settings)
    elif running:
        findings.append(
            Finding(
                name="addresses",
                ok=False,
                detail="The stores' addresses are not known yet.",
                hint="Aiser is still starting, or it could not; see its output.",
            )
        )
    return findings


def check_python() -> Finding:
    first, last = SUPPORTED
    current = sys.version_info[:2]
    return Finding(
        name="python",
        ok=first <= current <= last,
        detail=sys.version.split()[0],
        hint=f"Use Python {first[0]}.{first[1]} to {last[0]}.{last[1]}.",
    )


def check_home(home: Home) -> Finding:
    place = home.root
    while not place.exists():
        place = place.parent
    return Finding(
        name="home",
        ok=os.access(place, os.W_OK | os.X_OK),
        detail=str(home.root) + ("" if home.root.exists() else " (made at first start)"),
        hint="Set AISER_HOME to a folder that you may write to.",
    )


def check_disk(home: Home) -> Finding:
    place = home.root
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    return Finding(
        name="disk",
        ok=free >= LEAST_FREE_BYTES,
        detail=f"{free / (1 << 30):.1f} GB free",
        hint="Free at least 1 GB, or set AISER_HOME to another disk.",
    )


def check_pages() -> Finding:
    built = frontend.is_built()
    return Finding(
        name="pages",
        ok=built,
        detail="compiled and current" if built else "not compiled, or the sources changed",
        hint="Run `make run`; it compiles them.",
    )


def is_running(home: Home) -> bool:
    """True while some `up` holds the home's lock."""
    try:
        with home.lock.open("r") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def check_processes(home: Home, *, running: bool) -> Iterator[Finding]:
    if not running:
        yield Finding(
            name="stack",
            ok=False,
            detail="not running here",
            hint="Start it with `make run` (not needed where all addresses are set).",
        )
        return
    try:
        states = Supervisor(home).states()
    except AiserError as error:
        yield Finding(
            name="stack", ok=False, detail=error.message, hint="Wait a moment, or restart Aiser."
        )
        return
    yield Finding(name="stack", ok=True, detail=f"{len(states)} processes")
    for state in states:
        log = home.logs / f"{state.name}.log"
        yield Finding(
            name=state.name,
            ok=state.state == "RUNNING",
            detail=state.state.lower() + (f", process {state.pid}" if state.pid else ""),
            hint=f"It is started again by itself; the reason is in {log}.",
        )


def check_web(settings: Settings, *, running: bool) -> Finding:
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104 - compared
    if answers(host, settings.port, "/livez"):
        return Finding(name="web", ok=True, detail=f"answers at {settings.url}")
    if not is_free(settings.port, settings.host) and not running:
        user = port_user(settings.port) or "another program"
        return Finding(
            name="web",
            ok=False,
            detail=f"port {settings.port} is used by {user}",
            hint="Stop that program, or choose another port, for example AISER_PORT=3001.",
        )
    return Finding(
        name="web",
        ok=False,
        detail=f"does not answer at {settings.url}",
        hint="Start Aiser with `make run`." if not running else "See logs/web-1.log.",
    )


def check_readiness(settings: Settings) -> list[Finding]:
    """What the application itself says about its stores, tables and workers."""
    from aiser_app.bootstrap.web import build_services  # noqa: PLC0415 - heavy, needed only here

    try:
        services = build_services(settings)
        checks = services.health.readiness().checks
        services.close()
    except AiserError as error:
        return [Finding(name="readiness", ok=False, detail=error.message, hint=error.hint or "")]
    return [
        Finding(name=check.name, ok=check.ok, detail=check.detail, hint=check.hint or "")
        for check in checks
    ]


def answers(host: str, port: int, path: str) -> bool:
    """True when a GET of that path is answered with 200."""
    connection = http.client.HTTPConnection(host, port, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
