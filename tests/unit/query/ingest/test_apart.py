"""Reading files in a process of their own: answers, failures, limits, and ends of either side."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.encoding import encode
from aiser_app.errors import InvalidInput, QueryCancelled, QueryTimedOut, StorageFull
from aiser_app.query.ingest import (
    IngestOrder,
    IngestReport,
    Progress,
    Upload,
    apart,
    child,
    ingest_apart,
    scratch_folder,
    sniff_apart,
)
from tests.unit.query.ingest.desk import Desk

SMALL = "id,city\n1,Berlin\n2,Paris\n"
SLOW = "a,b\n" + "1,2\n" * 6_000_000


def ingested(
    desk: Desk,
    upload: Upload,
    cancel: CancelToken | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    seconds: float = 60,
) -> IngestReport:
    with scratch_folder(desk.target) as folder:
        order = IngestOrder(target=desk.target, folder=folder, table="t", mark="m")
        return ingest_apart(upload, order, cancel or CancelToken(), report, timeout_seconds=seconds)


def children() -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process().children()
        if "aiser_app.query.ingest" in " ".join(process.cmdline())
    ]


def test_the_same_answers(desk: Desk) -> None:
    upload = desk.file("f.csv", SMALL)
    told: list[Progress] = []
    report = ingested(desk, upload, report=told.append)
    assert report.rows == 2
    assert desk.rows() == [(1, "Berlin"), (2, "Paris")]
    assert [progress.step for progress in told] == ["unpack", "write"]
    seen = sniff_apart(upload, desk.folder, timeout_seconds=60)
    assert [column.name for column in seen.tables[0].columns] == ["id", "city"]
    assert not list(desk.folder.glob(".ingest-*"))
    assert not children()


def test_the_same_failures(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="empty") as caught:
        ingested(desk, desk.file("f.csv", ""))
    assert caught.value.hint
    assert not desk.target.exists()


def test_a_stop_kills_it(desk: Desk) -> None:
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        cancel.cancel()

    with pytest.raises(QueryCancelled):
        ingested(desk, desk.file("f.csv", SLOW), cancel, stop)
    assert not children()
    assert not desk.target.exists()
    assert not list(desk.folder.glob(".ingest-*"))


def test_the_time_limit_kills_it(desk: Desk) -> None:
    with pytest.raises(QueryTimedOut):
        ingested(desk, desk.file("f.csv", SLOW), seconds=0.3)
    assert not children()


def test_a_child_that_dies_is_an_answer(desk: Desk) -> None:
    def kill(_progress: Progress) -> None:
        for process in children():
            process.kill()

    with pytest.raises(InvalidInput, match="broke off"):
        ingested(desk, desk.file("f.csv", SLOW), report=kill)
    assert not desk.target.exists()


def test_a_child_that_never_listened(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(InvalidInput, match="broke off"):
        ingested(desk, desk.file("f.csv", SMALL))


def test_a_pipe_that_is_closed_already(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.BytesIO):
        def flush(self) -> None:
            if self.getvalue():
                raise BrokenPipeError

        def close(self) -> None:
            raise BrokenPipeError

    class Child:
        stdin, stdout = Gone(), io.BytesIO()

    assert apart._talk(Child(), {}, print) is None  # type: ignore[arg-type]
    apart._close(Child.stdin)
    monkeypatch.setattr(Gone, "close", io.BytesIO.close)
    monkeypatch.setattr(Gone, "flush", io.BytesIO.flush)


def test_failures_that_nobody_foresaw_are_not_shown() -> None:
    with pytest.raises(RuntimeError, match="ValueError"):
        apart._result({"error": "ValueError", "message": "f:1", "hint": None}, 0)


def test_leftovers_of_a_dead_process_are_removed(desk: Desk) -> None:
    left = desk.folder / ".ingest-target-abc"
    left.mkdir()
    (left / "work.duckdb").write_bytes(b"x")
    other = desk.folder / ".ingest-other-abc"
    other.mkdir()
    with scratch_folder(desk.target):
        assert not left.exists()
    assert other.exists()


def test_it_knows_nothing_of_our_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://canary")
    seen: list[dict[str, str]] = []

    def look(_progress: Progress) -> None:
        seen.extend(process.environ() for process in children())

    ingested(desk, desk.file("f.csv", SMALL), report=look)
    assert seen
    assert all("DATABASE_URL" not in environment for environment in seen)


def test_it_ends_with_its_parent(desk: Desk, tmp_path: Path) -> None:
    upload = desk.file("f.csv", SLOW)
    folder = desk.scratch()
    order = IngestOrder(target=desk.target, folder=folder, table="t")
    task = {"do": "ingest", "upload": encode(upload), "order": encode(order)}
    process = subprocess.Popen(
        [sys.executable, "-m", "aiser_app.query.ingest"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=apart._PROJECT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(task).encode() + b"\n")
    process.stdin.flush()
    assert b"progress" in process.stdout.readline()
    process.stdin.close()
    assert process.wait(20) == 1
    process.stdout.close()
    assert not desk.target.exists()


# The child's side


def run_child(task: dict[str, Any]) -> list[dict[str, Any]]:
    answers = io.StringIO()

    class Tasks(io.StringIO):
        def read(self, size: int | None = -1) -> str:
            time.sleep(0)  # as long as the parent lives nothing comes
            threading.Event().wait(0.2)
            return ""

    left: list[int] = []
    assert child.main(Tasks(json.dumps(task) + "\n"), answers, leave=left.append) == 0
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_a_task(desk: Desk) -> None:
    upload = encode(desk.file("f.csv", SMALL))
    (answer,) = run_child({"do": "sniff", "upload": upload, "folder": str(desk.scratch())})
    assert answer["result"]["kind"] == "csv"
    order = encode(IngestOrder(target=desk.target, folder=desk.scratch(), table="t"))
    *progress, last = run_child({"do": "ingest", "upload": upload, "order": order})
    assert [message["progress"]["step"] for message in progress] == ["unpack", "write"]
    assert last["result"]["tables"][0]["rows"] == 2


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> dict[str, Any]:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(child, "_do", fail)
    return child.answer_to({}, lambda _: None)


def test_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    said = failing(monkeypatch, InvalidInput("No.", hint="Yes."))
    assert said == {"error": "InvalidInput", "message": "No.", "hint": "Yes."}
    assert failing(monkeypatch, MemoryError())["error"] == "InvalidInput"
    full = failing(monkeypatch, OSError(28, "/secret/path"))
    assert (full["error"], "/secret" in str(full)) == ("StorageFull", False)
    with pytest.raises(StorageFull, match="No space left"):
        apart._result(full, 0)
    odd = failing(monkeypatch, KeyError("a value of the file"))
    assert odd["error"] == "KeyError"
    assert "a value" not in str(odd)


def test_limits_hold(tmp_path: Path) -> None:
    probe = (
        "from aiser_app.query.ingest.child import set_limits\n"
        "import resource, os\n"
        "set_limits()\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0], os.nice(0))\n"
        "try: bytearray(8 * 1024**3)\n"
        "except MemoryError: print('refused')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        cwd=apart._PROJECT,
        check=True,
    )
    space, niceness, refused = ran.stdout.split()
    assert (int(space), refused) == (child.MAX_ADDRESS_SPACE, "refused")
    assert int(niceness) >= child.NICENESS


def test_a_file_that_grows_too_large_is_no_signal(desk: Desk) -> None:
    """Beyond RLIMIT_FSIZE the system sends SIGXFSZ; Python ignores it, so that a write fails."""
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN
    probe = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from aiser_app.query.ingest import child\n"
        "from aiser_app.query.ingest.report import IngestOrder, Upload\n"
        "from aiser_app.domain.encoding import encode\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))\n"
        "path, target, folder = map(Path, sys.argv[1:])\n"
        "task = {'do': 'ingest', 'upload': encode(Upload(path=path, file_name='f.csv')),\n"
        "        'order': encode(IngestOrder(target=target, folder=folder, table='t'))}\n"
        "print(child.answer_to(task, lambda _: None))\n"
    )
    content = "a,b\n" + "".join(f"{i * 7919},{i * 104729}x\n" for i in range(200_000))
    upload = desk.file("f.csv", content)
    ran = subprocess.run(
        [sys.executable, "-c", probe, upload.path, desk.target, desk.scratch()],
        capture_output=True,
        text=True,
        cwd=apart._PROJECT,
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert "StorageFull" in ran.stdout
    assert not desk.target.exists()
