"""Which processes belong to a home's stack, remembered across crashes.

After a kill of the supervisor its children live on. They are ended by pid *and* start time as
recorded, or by the mark in their environment, so that a reused pid never costs a stranger's life.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from aiser_app.stack.home import Home, write_private
from aiser_app.stack.programs import STACK_MARK

_START_TOLERANCE = 2.0
"""Seconds that a process's start time may seem to move when the clock is corrected."""
_TERM_SECONDS, _KILL_SECONDS = 15.0, 5.0


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One process as it was when it was seen running."""

    name: str
    pid: int
    started: float


def record(file: Path, pids: dict[str, int]) -> None:
    """Remember these processes, by name; those that are gone meanwhile are left out."""
    found = []
    for name, pid in sorted(pids.items()):
        try:
            found.append(Recorded(name=name, pid=pid, started=psutil.Process(pid).create_time()))
        except psutil.Error:
            continue
    write_private(file, json.dumps([asdict(item) for item in found]))


def recorded(file: Path) -> list[Recorded]:
    try:
        content = json.loads(file.read_text())
        return [
            Recorded(name=str(item["name"]), pid=int(item["pid"]), started=float(item["started"]))
            for item in content
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def alive(item: Recorded) -> psutil.Process | None:
    """The process itself, None when it ended or its pid belongs to something else by now."""
    try:
        process = psutil.Process(item.pid)
        same = abs(process.create_time() - item.started) <= _START_TOLERANCE
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def left_behind(home: Home) -> list[psutil.Process]:
    """Processes of an earlier start of this home, the supervisor first."""
    known = sorted(recorded(home.pids), key=lambda item: item.name != "supervisord")
    found = {process.pid: process for item in known if (process := alive(item)) is not None}
    mine = {process.pid for process in psutil.Process().parents()} | {psutil.Process().pid}
    for process in psutil.process_iter():
        if process.pid not in found and process.pid not in mine and _is_marked(process, home.root):
            found[process.pid] = process
    return list(found.values())


def _is_marked(process: psutil.Process, root: Path) -> bool:
    try:
        return process.environ().get(STACK_MARK) == str(root)
    except (psutil.Error, OSError, ValueError):
        return False


def end(processes: Iterable[psutil.Process]) -> None:
    """End them: a supervisor first, which stops its children in order, then the rest."""
    remaining = list(processes)
    supervisors = [process for process in remaining if _mentions(process, "supervisor.supervisord")]
    _signal(supervisors, signal.SIGTERM)
    psutil.wait_procs(supervisors, timeout=_TERM_SECONDS)
    for process in remaining:
        # PostgreSQL would wait for every client to leave on SIGTERM.
        fast = _mentions(process, "postgres")
        _signal([process], signal.SIGINT if fast else signal.SIGTERM)
    _, remaining = psutil.wait_procs(remaining, timeout=_TERM_SECONDS)
    _signal(remaining, signal.SIGKILL)
    psutil.wait_procs(remaining, timeout=_KILL_SECONDS)


def _mentions(process: psutil.Process, word: str) -> bool:
    try:
        return any(word in part for part in process.cmdline()[:3])
    except psutil.Error:
        return False


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue
