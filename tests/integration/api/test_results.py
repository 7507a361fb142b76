"""Rows over REST: pages, Arrow, and files of every kind, in any order and filtered."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import json
from collections.abc import Callable, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import Engine

from aiser_app.api.schemas import ResultPageView
from aiser_app.bootstrap.web import Services
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.query.results.exports import ExportSlots
from tests.fixtures.organizations import add_result, add_run, finish_run
from tests.fixtures.web import Person

pytestmark = pytest.mark.integration

ARROW = {"Accept": "application/vnd.apache.arrow.stream"}
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
}
READERS: dict[str, Callable[[bytes], list[str]]] = {
    "csv": lambda made: [row["name"] for row in csv.DictReader(io.StringIO(made.decode()))],
    "xlsx": lambda made: [
        row[0]
        for row in CalamineWorkbook.from_object(io.BytesIO(made))
        .get_sheet_by_name("Data")
        .to_python()[1:]
    ],
    "parquet": lambda made: pq.read_table(io.BytesIO(made)).column("name").to_pylist(),
    "json": lambda made: [row["name"] for row in json.loads(made)],
    "ndjson": lambda made: [json.loads(line)["name"] for line in made.splitlines()],
}


@pytest.fixture(scope="module")
def result_id(analyst: Person, engine: Engine, results_dir: Path) -> str:
    run = add_run(engine, analyst.tenant.actor(), analyst.tenant.source)
    result = add_result(engine, run, results_dir, rows=25)
    finish_run(engine, run, result)
    return result.result_id


@pytest.mark.parametrize("extension", MEDIA_TYPES)
def test_files(analyst: Person, result_id: str, extension: str) -> None:
    reply = analyst.get(f"/results/{result_id}.{extension}")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == MEDIA_TYPES[extension]
    name = f'attachment; filename="aiser-{result_id[:8]}.{extension}"'
    assert reply.headers["content-disposition"] == name
    assert reply.headers["x-aiser-row-count"] == "25"
    assert reply.headers["x-aiser-truncated"] == "false"
    assert READERS[extension](reply.content) == [f"row {number}" for number in range(25)]


@pytest.mark.parametrize("extension", MEDIA_TYPES)
def test_files_are_sorted_and_filtered(analyst: Person, result_id: str, extension: str) -> None:
    reply = analyst.get(
        f"/results/{result_id}.{extension}", params={"sort": "-amount", "filter": "amount:lt:4.5"}
    )
    assert reply.headers["x-aiser-row-count"] == "3"
    assert READERS[extension](reply.content) == ["row 2", "row 1", "row 0"]


@pytest.mark.parametrize("extension", MEDIA_TYPES)
def test_files_say_that_rows_are_missing(
    analyst: Person, engine: Engine, results_dir: Path, extension: str
) -> None:
    run = add_run(engine, analyst.tenant.actor(), analyst.tenant.source)
    whole = add_result(engine, run, results_dir, rows=5)
    cut = replace(whole, result_id=whole.result_id[::-1], truncated=True, limiting_factor="rows")
    folder = results_dir / run.organization_id
    (folder / f"{whole.result_id}.arrow").rename(folder / f"{cut.result_id}.arrow")
    with UnitOfWork(engine) as uow:
        uow.results.add(cut, run_id=run.run_id, user_id=run.user_id)
        uow.commit()
    reply = analyst.get(f"/results/{cut.result_id}.{extension}")
    assert reply.headers["x-aiser-truncated"] == "true"
    assert f"-first-5-rows.{extension}" in reply.headers["content-disposition"]
    view = analyst.get(f"/results/{cut.result_id}").json()
    assert (view["truncated"], view["limiting_factor"]) == (True, "rows")
    ResultPageView.model_validate(view)


def test_arrow_honours_sort_and_filter(analyst: Person, result_id: str) -> None:
    def ask(**params: Any) -> pa.Table:
        reply = analyst.get(f"/results/{result_id}", params=params, headers=ARROW)
        assert reply.headers["content-type"] == ARROW["Accept"]
        assert reply.headers["x-aiser-truncated"] == "false"
        assert "content-disposition" not in reply.headers
        with pa.ipc.open_stream(io.BytesIO(reply.content)) as reader:
            table = reader.read_all()
        assert table.column_names == ["name", "big", "amount"]
        return table.append_column("counted", [[reply.headers["x-aiser-row-count"]] * len(table)])

    found = ask(sort="-name", filter="amount:gte:30", limit=2)
    assert found.column("name").to_pylist() == ["row 24", "row 23"]
    assert found.column("counted").to_pylist() == ["5", "5"]
    assert ask(sort="-big", offset=24).column("big").to_pylist() == [2**60]
    assert ask(filter="name:equals:nobody").num_rows == 0


@pytest.mark.parametrize("ending", ["", *(f".{extension}" for extension in MEDIA_TYPES)])
@pytest.mark.parametrize("headers", [{}, ARROW], ids=["any", "arrow"])
def test_what_makes_no_sense_is_refused_before_the_first_byte(
    analyst: Person, result_id: str, ending: str, headers: dict[str, str]
) -> None:
    for params in ({"sort": "nope"}, {"filter": "name"}, {"filter": "amount:gt:much"}):
        reply = analyst.get(f"/results/{result_id}{ending}", params=params, headers=headers)
        assert reply.status_code == 422
        assert reply.json()["error"]["code"] == "invalid_input"


@pytest.mark.parametrize("ending", ["", *(f".{extension}" for extension in MEDIA_TYPES)])
def test_rows_that_are_gone_say_what_to_do(
    analyst: Person, engine: Engine, results_dir: Path, ending: str
) -> None:
    run = add_run(engine, analyst.tenant.actor(), analyst.tenant.source)
    result = add_result(engine, run, results_dir)
    (results_dir / run.organization_id / f"{result.result_id}.arrow").unlink()
    reply = analyst.get(f"/results/{result.result_id}{ending}")
    assert reply.status_code == 404
    error = reply.json()["error"]
    assert error["message"] == "The rows of this result are no longer kept."
    assert "again" in error["hint"]


def test_there_are_no_other_formats(analyst: Person, result_id: str) -> None:
    for ending in (".pdf", ".", ".csv.json", ".arrow", ".CSV"):
        assert analyst.get(f"/results/{result_id}{ending}").status_code == 404


# --- many at once ---------------------------------------------------------------------------------


@pytest.fixture
def one_slot(web_services: Services, monkeypatch: pytest.MonkeyPatch) -> ExportSlots:
    """One export at a time, and nobody waits."""
    slots = ExportSlots(at_once=1, wait_seconds=0.0)
    monkeypatch.setattr(web_services.results, "_slots", slots)
    return slots


@pytest.mark.parametrize("extension", MEDIA_TYPES)
def test_exports_at_the_same_time_are_bounded(
    analyst: Person, result_id: str, one_slot: ExportSlots, extension: str
) -> None:
    give_back = one_slot.take("csv")
    reply = analyst.get(f"/results/{result_id}.{extension}")
    assert reply.status_code == 429
    assert reply.json()["error"]["code"] == "too_many_attempts"
    assert "content-disposition" not in reply.headers
    assert analyst.get(f"/results/{result_id}").status_code == 200  # pages are no exports
    assert analyst.get(f"/results/{'0' * 32}.{extension}").status_code == 404
    give_back()
    for _ in range(3):
        assert analyst.get(f"/results/{result_id}.{extension}").status_code == 200


def test_a_failed_export_gives_its_slot_back(
    analyst: Person, result_id: str, one_slot: ExportSlots, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "/secret/place")

    with monkeypatch.context() as patch:
        patch.setattr("zipfile.ZipFile.write", full)
        reply = analyst.get(f"/results/{result_id}.xlsx")
    assert reply.status_code == 507
    assert reply.json()["error"]["code"] == "storage_full"
    assert "secret" not in reply.text
    assert analyst.get(f"/results/{result_id}.xlsx").status_code == 200


@pytest.mark.parametrize("extension", MEDIA_TYPES)
@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
def test_a_client_that_goes_away_gives_its_slot_back(
    analyst: Person, result_id: str, one_slot: ExportSlots, extension: str, spec_version: str
) -> None:
    """Servers tell it by a message, from version 2.4 of ASGI on by a failing `send`."""
    begun: list[str] = []

    async def leave_after_the_first_piece() -> None:
        gone = anyio.Event()

        async def receive() -> dict[str, Any]:
            if spec_version == "2.4":
                return {"type": "http.request", "body": b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            begun.append(message["type"])
            if message["type"] == "http.response.body":
                gone.set()
                if spec_version == "2.4":
                    raise OSError("the connection is closed")
                await anyio.sleep_forever()

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": spec_version},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "server": ("testserver", 80),
            "client": ("testclient", 1),
            "path": f"/api/v1/results/{result_id}.{extension}",
            "raw_path": b"",
            "root_path": "",
            "query_string": b"",
            "headers": [(b"cookie", f"aiser_session={analyst.token}".encode())],
        }
        with contextlib.suppress(ConnectionAbortedError):
            await analyst.client.app(scope, receive, send)

    assert analyst.client.portal is not None
    analyst.client.portal.call(leave_after_the_first_piece)
    assert begun == ["http.response.start", "http.response.body"]
    one_slot.take("xlsx")()
