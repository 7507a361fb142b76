from __future__ import annotations

import fcntl
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from aiser_app.__main__ import main
from aiser_app.config import Settings
from aiser_app.stack import doctor
from aiser_app.stack.doctor import examine
from aiser_app.stack.home import Home
from aiser_app.stack.ports import free_ports


def settings(home: Path, port: int | None = None) -> Settings:
    return Settings.model_validate({"AISER_HOME": home, "AISER_PORT": port or free_ports(1)[0]})


def findings(of: Settings) -> dict[str, doctor.Finding]:
    return {finding.name: finding for finding in examine(of)}


def test_says_what_to_do_when_nothing_runs(tmp_path: Path) -> None:
    found = findings(settings(tmp_path / "none"))
    assert not found["stack"].ok
    assert "make run" in found["stack"].hint
    assert not found["web"].ok
    assert found["home"].ok
    assert found["python"].ok


def test_names_who_took_the_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = findings(settings(tmp_path, server.getsockname()[1]))
    assert "is used by" in found["web"].detail
    assert "AISER_PORT" in found["web"].hint


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 1 << 60)
    found = findings(settings(tmp_path))
    assert not found["disk"].ok
    assert "AISER_HOME" in found["disk"].hint


def test_an_old_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 10, 1, "final", 0))
    assert not doctor.check_python().ok


def test_a_start_that_has_not_come_far_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    with home.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = findings(settings(tmp_path))
    assert found["stack"].detail == "The supervisor does not answer."
    assert not found["addresses"].ok


@pytest.fixture
def answering_port() -> Iterator[int]:
    class Always(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        @override
        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Always) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_web_process_that_answers_is_well(tmp_path: Path, answering_port: int) -> None:
    assert findings(settings(tmp_path, answering_port))["web"].ok


def test_stores_that_do_not_answer_are_each_told(tmp_path: Path) -> None:
    """Addresses are known, nobody is there: still findings, no trace back."""
    dead = free_ports(3)
    away = settings(tmp_path).model_copy(
        update={
            "database_url": f"postgresql://x:y@127.0.0.1:{dead[0]}/z",
            "redis_url": f"redis://127.0.0.1:{dead[1]}/0",
            "chroma_url": f"http://127.0.0.1:{dead[2]}",
        }
    )
    found = [finding for finding in doctor.check_readiness(away) if not finding.ok]
    assert len(found) >= 3
    assert all(finding.hint for finding in found)
    assert "y@" not in str(found)


def test_the_command_fails_and_says_so_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("aiser_app.__main__.current_settings", lambda: settings(tmp_path))
    assert main(["doctor", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert {"name", "ok", "detail", "hint"} == set(answer["findings"][0])
    assert main(["doctor"]) == 1
    assert "→ Start it with `make run`" in capsys.readouterr().out
