from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from aiser_app.errors import ServiceUnavailable
from aiser_app.stack import frontend
from aiser_app.stack.frontend import build, check_build, is_built, sources_hash


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("aiser_app/ui/page.py", "aiser_app/domain/run.py", "assets/a.css", "rxconfig.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    "changed", ["aiser_app/ui/page.py", "aiser_app/ui/new.py", "assets/a.css", "rxconfig.py"]
)
def test_a_changed_source_changes_the_hash(project: Path, changed: str) -> None:
    before = sources_hash(project)
    assert sources_hash(project) == before
    (project / changed).write_text("else")
    assert sources_hash(project) != before


@pytest.mark.parametrize(
    "made", ["aiser_app/ui/__pycache__/page.pyc", "assets/external/x.js", "aiser_app/services/a.py"]
)
def test_what_pages_are_not_made_of_does_not(project: Path, made: str) -> None:
    before = sources_hash(project)
    file = project / made
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x")
    assert sources_hash(project) == before


def good_export(project: Path) -> None:
    client = project / ".web" / "build" / "client"
    client.mkdir(parents=True, exist_ok=True)
    (client / "index.html").write_text("<html>")
    (client / "root.js").write_bytes(b"t" + frontend.USES_PAGE_ORIGIN)


def test_compiles_once_for_the_same_sources(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exports: list[Path] = []

    def export(_log: Path, _report: object, _stop: object, where: Path) -> None:
        exports.append(where)
        good_export(where)

    monkeypatch.setattr(frontend, "_export", export)
    for _ in range(2):
        build(project / "log", print, project=project)
    assert (len(exports), is_built(project)) == (1, True)
    (project / "rxconfig.py").write_text("changed")
    assert not is_built(project)
    build(project / "log", print, project=project)
    assert (len(exports), is_built(project)) == (2, True)


def test_a_build_may_add_to_its_lock_but_not_miss_an_edit(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def touches(name: str) -> None:
        def export(_log: Path, _report: object, _stop: object, where: Path) -> None:
            good_export(where)
            (where / name).parent.mkdir(exist_ok=True)
            (where / name).write_text("changed while building")

        monkeypatch.setattr(frontend, "_export", export)

    touches("reflex.lock/bun.lock")
    build(project / "log", print, project=project)
    assert is_built(project)
    (project / "rxconfig.py").write_text("another")
    touches("aiser_app/ui/page.py")
    build(project / "log", print, project=project)
    assert not is_built(project)


@pytest.mark.parametrize(("written", "kept"), [('{"a":"1"}', True), ('{"a":"2"}', False)])
def test_the_list_of_packages_keeps_its_layout(
    project: Path, monkeypatch: pytest.MonkeyPatch, written: str, kept: bool
) -> None:
    """Reflex writes it in one line, bun in many: a build alone must not change a committed file."""
    packages = project / "reflex.lock" / "package.json"
    packages.parent.mkdir()
    packages.write_text('{\n  "a": "1"\n}')

    def export(_log: Path, _report: object, _stop: object, where: Path) -> None:
        good_export(where)
        packages.write_text(written)

    monkeypatch.setattr(frontend, "_export", export)
    build(project / "log", print, project=project)
    assert packages.read_text() == ('{\n  "a": "1"\n}' if kept else written)
    assert is_built(project)


def test_a_folder_that_cannot_be_written_is_told(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(ServiceUnavailable, match="not writable"):
        build(project / "log", print, project=project)


def test_a_build_that_is_tied_to_one_port_is_refused(project: Path) -> None:
    good_export(project)
    client = project / ".web" / "build" / "client"
    check_build(client)
    (client / "root.js").write_text("new URL('ws://localhost:8000/_event')")
    with pytest.raises(ServiceUnavailable, match="port"):
        check_build(client)
    (client / "index.html").unlink()
    with pytest.raises(ServiceUnavailable, match="no pages"):
        check_build(client)


def test_a_failed_build_shows_the_end_of_its_log(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    monkeypatch.setattr("shutil.which", lambda *_, **__: "/bin/bun")
    (project / "log").write_text("the reason\n")
    with pytest.raises(ServiceUnavailable, match="the reason"):
        build(project / "log", print, project=project)
    assert not is_built(project)


def test_a_build_can_be_stopped(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = project / "slow"
    script.write_text("#!/bin/sh\nsleep 60\n")
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(script))
    monkeypatch.setattr("shutil.which", lambda *_, **__: "/bin/bun")
    stop = threading.Event()
    stop.set()
    with pytest.raises(ServiceUnavailable):
        build(project / "log", print, stop, project)


def test_the_build_uses_our_bun_and_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AISER_STATE_REDIS_URL", "redis://secret")
    environment = frontend.build_environment()
    assert environment["REFLEX_USE_SYSTEM_BUN"] == "1"
    assert environment["AISER_STATE_REDIS_URL"] == ""
    assert environment["PATH"].startswith(str(Path(sys.executable).parent))
