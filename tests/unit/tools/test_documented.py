"""docs/tools.md and docs/jobs.md list exactly what there is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from aiser_app.broker.job_queue import JobName
from aiser_app.tools.builtin.ask_user import AskUser
from aiser_app.tools.builtin.generate_chart import GenerateChart
from aiser_app.tools.builtin.query_data import QueryData

ROOT = Path(__file__).parents[3]
BUILTIN = (QueryData(), GenerateChart(), AskUser())


def rows(document: str) -> dict[str, list[str]]:
    """First column, without backticks, to the others, of the first table."""
    table: dict[str, list[str]] = {}
    for line in (ROOT / "docs" / document).read_text().splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            table[cells[0].strip("`")] = cells[1:]
    return table


def test_every_tool_has_its_row() -> None:
    documented = rows("tools.md")
    assert set(documented) == {tool.name for tool in BUILTIN}
    for tool in BUILTIN:
        permission, ends, _ = documented[tool.name]
        assert permission == f"`{tool.permission.value}`"
        assert ends == ("yes" if tool.ends_run else "no")


def test_every_builtin_module_is_a_tool() -> None:
    modules = {p.stem for p in (ROOT / "aiser_app/tools/builtin").glob("*.py")} - {"__init__"}
    assert modules == {tool.name for tool in BUILTIN}


def test_every_job_has_its_row_and_its_function() -> None:
    documented = rows("jobs.md")
    assert set(documented) == {job.name.lower() for job in JobName}
    modules = {p.stem for p in (ROOT / "aiser_app/worker/jobs").glob("*.py")} - {"__init__"}
    assert modules == set(documented)
    for job in JobName:
        module, _, function = job.value.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function))


def test_descriptions_tell_a_model_what_arguments_there_are() -> None:
    for tool in BUILTIN:
        assert len(tool.description) > 40
        schema = tool.arguments.model_json_schema()
        assert re.fullmatch(r"[a-z_]+", tool.name)
        assert schema["additionalProperties"] is False
