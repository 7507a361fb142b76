from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.coverage_floors import main


def report(tmp_path: Path, **covered: int) -> str:
    files = {
        f"aiser_app/{package}/module.py": {
            "summary": {
                "num_statements": 80,
                "covered_lines": min(lines, 80),
                "num_branches": 20,
                "covered_branches": max(lines - 80, 0),
            }
        }
        for package, lines in covered.items()
    }
    file = tmp_path / "coverage.json"
    file.write_text(json.dumps({"files": files}))
    return str(file)


def test_a_package_below_its_floor_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([report(tmp_path, query=94, planner=90, domain=10)]) == 1
    output = capsys.readouterr()
    assert "query has 94.0 %, its floor is 95 %" in output.err
    assert "planner" not in output.err
    assert "domain" in output.out


def test_at_the_floor_is_enough(tmp_path: Path) -> None:
    assert main([report(tmp_path, query=95, api=90, tools=85)]) == 0


def test_wrong_use_has_its_own_status() -> None:
    assert main([]) == 2
