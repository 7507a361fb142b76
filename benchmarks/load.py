"""`make load`: many people at once, each with an open page, and programs that ask over REST.

Everybody asks, waits for the answer, thinks, and asks again, until their questions or the time are
used up. Against an Aiser of its own, or with `--url` against one on this machine; never another one.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import platform
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

from tests.fixtures.app import RunningApp
from tests.fixtures.reflex_client import ROOT, ReflexClient, sign_in

QUESTIONS = (
    "How many flights were there?",
    "Number of flights by month",
    "Which carrier has the worst average arrival delay?",
    "Top 5 destinations by number of flights",
    "Average departure delay by carrier",
    "Average distance by origin",
)
ASK = f"{ROOT}.aiser_app___ui___chat___state____chat_state.ask"
RUNNING = {"queued", "running"}
PASSWORD = "a password for the load"
MAX_PEOPLE, MAX_QUESTIONS, MAX_SECONDS = 200, 50, 600
ANSWER_SECONDS = 120.0


@dataclass(frozen=True)
class Load:
    """How much, bounded: this is to measure Aiser, not to take a machine down."""

    people: int
    programs: int
    questions: int
    think: float
    ramp: float
    seconds: float


@dataclass
class Used:
    """Of one supervised process and its children: bytes at their highest, CPU seconds so far."""

    resident: int = 0
    own: int = 0
    """Without what is shared with others, which a sum of resident memory counts many times."""
    cpu: float = 0.0


@dataclass
class Found:
    """Seconds per answer by door, failures by reason, and what each process used."""

    page: list[float] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    used: dict[str, Used] = field(default_factory=dict)
    took: float = 0.0


@dataclass(frozen=True)
class Target:
    """A running Aiser and somebody who may add people there."""

    url: str
    email: str
    password: str
    pids: Callable[[], dict[str, int]]


async def run(target: Target, load: Load, cookies: list[str]) -> Found:
    """Everybody at once, each with one of the sessions; ends by itself when the time is up."""
    found = Found()
    begun = time.monotonic()
    watching = asyncio.create_task(watch(target, found))
    visits = [person_at_page] * load.people + [program_over_rest] * load.programs
    random.Random(7).shuffle(visits)
    pause = load.ramp / max(1, len(visits))
    await asyncio.gather(
        *(
            _guarded(
                visit(target, load, cookie, begun + load.seconds, found, number * pause), found
            )
            for number, (visit, cookie) in enumerate(zip(visits, cookies, strict=True))
        )
    )
    found.took = time.monotonic() - begun
    watching.cancel()
    return found


async def _guarded(visit: Awaitable[None], found: Found) -> None:
    """One that breaks is counted and leaves the others alone."""
    try:
        await visit
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we measure
        found.errors[f"{type(error).__name__}: {error}"[:80]] += 1


def add_people(target: Target, count: int) -> list[str]:
    """Cookies of that many new analysts."""
    known = {"email": target.email, "password": target.password}
    run_id = uuid.uuid4().hex[:8]
    with httpx.Client(base_url=target.url, timeout=30) as owner, ThreadPoolExecutor(2) as pool:
        owner.post("/api/v1/auth/login", json=known).raise_for_status()

        def add(number: int) -> str:
            email = f"load-{run_id}-{number}@example.com"
            body = {"name": f"L {number}", "email": email, "role": "analyst", "password": PASSWORD}
            owner.post("/api/v1/users", json=body).raise_for_status()
            return sign_in(target.url, email, PASSWORD)

        return list(pool.map(add, range(count)))


async def person_at_page(
    target: Target, load: Load, cookie: str, ends: float, found: Found, wait: float
) -> None:
    """Opens the chat page and goes on asking in one conversation."""
    await asyncio.sleep(wait)
    begun = time.monotonic()
    async with ReflexClient(target.url, cookie=cookie, origin=target.url) as tab:
        await tab.until(lambda: tab.var("chat_state", "is_loaded"), ANSWER_SECONDS)
        found.opened.append(time.monotonic() - begun)
        for number in range(load.questions):
            begun = time.monotonic()
            if begun > ends:
                return
            await tab.send(ASK, {"question": QUESTIONS[number % len(QUESTIONS)]})
            if tab.path == "/chat":
                await tab.until(tab.redirects, ANSWER_SECONDS)
                await tab.navigate(tab.redirects()[0])
            turn = await tab.until(_nth_answer(tab, number), ANSWER_SECONDS)
            if turn["status"] == "answered":
                found.page.append(time.monotonic() - begun)
            else:
                found.errors[f"page: {turn['status']} {turn['failure']}".strip()] += 1
            await asyncio.sleep(load.think * random.uniform(0.5, 1.5))


def _nth_answer(tab: ReflexClient, number: int) -> Callable[[], Any]:
    """The turn of that number once it has ended, or what the page says instead of asking."""

    def look() -> Any:
        if problem := tab.var("chat_state", "problem"):
            raise RuntimeError(f"page: {problem}")
        turns = [*(tab.var("chat_state", "settled") or []), *(tab.var("chat_state", "live") or [])]
        return len(turns) > number and turns[number]["status"] not in RUNNING and turns[number]

    return look


async def program_over_rest(
    target: Target, load: Load, cookie: str, ends: float, found: Found, wait: float
) -> None:
    """Asks with `wait`, as a script does."""
    await asyncio.sleep(wait)
    headers = {"Cookie": cookie}
    async with httpx.AsyncClient(base_url=target.url, headers=headers, timeout=130) as client:
        for number in range(load.questions):
            begun = time.monotonic()
            if begun > ends:
                return
            body = {"question": QUESTIONS[number % len(QUESTIONS)], "wait": ANSWER_SECONDS}
            answer = await client.post("/api/v1/ask", json=body)
            content = answer.json()
            if answer.status_code == 200 and content["status"] == "answered":
                found.rest.append(time.monotonic() - begun)
            else:
                reason = content.get("error", content).get("code", content.get("status"))
                found.errors[f"REST: {answer.status_code} {reason}"] += 1
            await asyncio.sleep(load.think * random.uniform(0.5, 1.5))


async def watch(target: Target, found: Found) -> None:
    """Look at the processes twice a second."""
    first: dict[str, float] = {}
    while True:
        pids = target.pids()
        for name, pid in pids.items():
            others = frozenset(pids.values()) - {pid}
            now = await asyncio.to_thread(used_by, pid, others)
            most = found.used.setdefault(name, Used())
            most.resident = max(most.resident, now.resident)
            most.own = max(most.own, now.own)
            most.cpu = max(most.cpu, now.cpu - first.setdefault(name, now.cpu))
        await asyncio.sleep(0.5)


def used_by(pid: int, others: frozenset[int]) -> Used:
    """What a process uses with its children, but for those that are listed by themselves."""
    used = Used()
    try:
        top = psutil.Process(pid)
        family = [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return used
    supervises = any(process.pid in others for process in family)
    for process in [top] if supervises else family:
        try:
            times, memory = process.cpu_times(), process.memory_full_info()
        except psutil.Error:
            continue
        used.resident += memory.rss
        used.own += memory.uss
        used.cpu += times.user + times.system
        if process is top and not supervises:
            used.cpu += times.children_user + times.children_system  # those that have ended
    return used


def report(load: Load, found: Found) -> int:
    """Print the tables; 1 when anything failed."""
    answers = len(found.page) + len(found.rest)
    print(
        f"\n{load.people} people at pages, {load.programs} programs over REST, "
        f"{load.questions} questions each, thinking {load.think:g} s on average, "
        f"started over {load.ramp:g} s"
    )
    print(f"{platform.machine()}, {psutil.cpu_count()} cores, load on the same machine\n")
    print(f"{'':34}{'count':>7}{'p50 s':>9}{'p95 s':>9}{'max s':>9}")
    for name, values in (
        ("page opened", found.opened),
        ("answer on the page", found.page),
        ("answer over REST", found.rest),
    ):
        if len(values) > 1:
            cuts = statistics.quantiles(values, n=100, method="inclusive")
            print(f"{name:34}{len(values):>7}{cuts[49]:>9.2f}{cuts[94]:>9.2f}{max(values):>9.2f}")
    print(f"\n{answers} answers in {found.took:.1f} s: {answers / found.took:.1f} per second")
    _print_used(found, max(1, answers))
    print(f"\nerrors: {found.errors.total()}")
    for reason, count in found.errors.most_common():
        print(f"{count:>5}  {reason}")
    return 1 if found.errors or not answers else 0


def _print_used(found: Found, answers: int) -> None:
    if not found.used:
        return
    total = Used()
    print(f"\n{'':24}{'RSS MB':>8}{'own MB':>8}{'CPU ms per answer':>20}")
    for name, used in sorted(found.used.items()):
        _print_one(name, used, answers)
        total.resident += used.resident
        total.own += used.own
        total.cpu += used.cpu
    _print_one("all", total, answers)


def _print_one(name: str, used: Used, answers: int) -> None:
    cpu = used.cpu / answers * 1000
    print(f"  {name:22}{used.resident / 1e6:>8.0f}{used.own / 1e6:>8.0f}{cpu:>20.0f}")


def read_load(arguments: list[str] | None = None) -> tuple[argparse.Namespace, Load]:
    """Options, kept within bounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--people", type=int, default=20, help=f"at pages, up to {MAX_PEOPLE}")
    parser.add_argument("--programs", type=int, default=5, help=f"over REST, up to {MAX_PEOPLE}")
    parser.add_argument("--questions", type=int, default=6, help=f"each, up to {MAX_QUESTIONS}")
    parser.add_argument("--think", type=float, default=2.0, help="seconds between, on average")
    parser.add_argument("--ramp", type=float, default=5.0, help="seconds until all have come")
    parser.add_argument("--seconds", type=float, default=120.0, help="no new question after that")
    parser.add_argument("--url", help="a running Aiser on this machine; default: one of its own")
    parser.add_argument("--email", default=RunningApp.admin_email, help="its owner, with --url")
    parser.add_argument("--workers", type=int, default=2, help="without --url")
    parser.add_argument("--web-processes", type=int, default=1, help="without --url")
    chosen = parser.parse_args(arguments)
    if chosen.url and not is_loopback(chosen.url):
        parser.error("--url must be an address of this machine: http://127.0.0.1:PORT")
    return chosen, Load(
        people=max(0, min(chosen.people, MAX_PEOPLE)),
        programs=max(0, min(chosen.programs, MAX_PEOPLE)),
        questions=max(1, min(chosen.questions, MAX_QUESTIONS)),
        think=max(0.0, chosen.think),
        ramp=max(0.0, chosen.ramp),
        seconds=max(1.0, min(chosen.seconds, MAX_SECONDS)),
    )


def is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


@contextmanager
def target_of(chosen: argparse.Namespace) -> Iterator[Target]:
    """The Aiser that was named, or a new one in a temporary home."""
    if chosen.url:
        password = getpass.getpass(f"Password of {chosen.email}: ")
        yield Target(chosen.url.rstrip("/"), chosen.email, password, dict)
        return
    folder = Path(tempfile.mkdtemp(prefix="aiser-load-", dir="/tmp"))
    folder.chmod(0o711)
    settings = {
        "AISER_WORKERS": str(chosen.workers),
        "AISER_WEB_PROCESSES": str(chosen.web_processes),
    }
    app = RunningApp(folder, **settings)
    try:
        print(f"Starting Aiser in {folder} …", flush=True)
        print(f"Ready after {app.start():.1f} s.", flush=True)
        yield Target(app.url, app.admin_email, app.admin_password, app.pids)
    finally:
        app.remove()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    chosen, load = read_load()
    with target_of(chosen) as target:
        cookies = add_people(target, load.people + load.programs)
        return report(load, asyncio.run(run(target, load, cookies)))


if __name__ == "__main__":
    sys.exit(main())
