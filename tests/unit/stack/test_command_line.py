from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import aiser_app.__main__ as command_line
from aiser_app import __version__
from aiser_app.__main__ import _readable, main
from aiser_app.errors import ServiceUnavailable


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.strip() == __version__
    assert main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"version": __version__}


@pytest.mark.parametrize("wrong", [[], ["nonsense"], ["ask"], ["up", "--what"]])
def test_wrong_use_has_status_2(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(wrong)
    assert caught.value.code == 2


def test_every_command_has_a_help_text(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for name in ("up", "web", "worker", "scheduler", "migrate", "doctor", "ask", "create-user"):
        assert f"    {name}" in text


def test_a_failure_is_one_line_or_json_never_a_trace_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise ServiceUnavailable("Redis does not answer.", hint="Start it.")

    monkeypatch.setattr(command_line, "current_settings", fails)
    assert main(["migrate"]) == 1
    assert capsys.readouterr().err == "Redis does not answer. Start it.\n"
    assert main(["migrate", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "error": {
            "code": "service_unavailable",
            "message": "Redis does not answer.",
            "hint": "Start it.",
        }
    }


def test_asking_when_nothing_runs_says_how_to_start(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aiser_app", "ask", "how many flights?"],
        env={"AISER_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "make run" in done.stderr
    assert "Traceback" not in done.stderr


ANSWER = {
    "status": "answered",
    "text": "There are 2 carriers.",
    "columns": [{"name": "carrier", "type": "string"}, {"name": "n", "type": "integer"}],
    "rows": [["AA", 1], ["UA", 2]],
    "truncated": True,
    "sql": "select 1",
}


def test_an_answer_for_people() -> None:
    text = _readable(ANSWER)
    assert text.startswith("There are 2 carriers.\n\ncarrier  n")
    assert "The result was cut" in text
    assert text.endswith("SQL: select 1")


def test_a_question_back_and_a_failure_for_people() -> None:
    clarification = {"question": "Which delay?", "options": ["arrival", "departure"]}
    asked = _readable({"status": "needs_input", "clarification": clarification})
    assert asked == "Which delay?\n  - arrival\n  - departure"
    failed = {"status": "failed", "error": {"code": "x", "message": "The worker died."}}
    assert _readable(failed) == "The worker died."
    assert _readable({"status": "cancelled"}) == "The run is cancelled."
