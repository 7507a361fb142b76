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
class Found:
    """Seconds per answer by door, the failures by reason, and memory by process at its highest."""

    page: list[float] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    memory: dict[str, int] = field(default_factory=dict)
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
    watching = asyncio.create_task(watch_memory(target, found))
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


async def watch_memory(target: Target, found: Found) -> None:
    """Highest resident memory of each process and its children, in bytes."""
    while True:
        for name, pid in target.pids().items():
            size = await asyncio.to_thread(_resident, pid)
            found.memory[name] = max(size, found.memory.get(name, 0))
        await asyncio.sleep(1)


def _resident(pid: int) -> int:
    """Memory of its own, so that what forked children share is counted once."""
    total = 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in family:
        try:
            total += process.memory_full_info().uss
        except psutil.Error:
            continue
    return total


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
    if found.memory:
        print("\nhighest memory, MB (own, with children)")
        for name, size in sorted(found.memory.items()):
            print(f"  {name:20}{size / 1e6:>8.0f}")
    print(f"\nerrors: {found.errors.total()}")
    for reason, count in found.errors.most_common():
        print(f"{count:>5}  {reason}")
    return 1 if found.errors or not answers else 0


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
