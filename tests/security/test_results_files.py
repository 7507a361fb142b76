"""Attacks on stored rows: foreign ids, ids as paths, injection by sort and filter, formulas."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from aiser_app.bootstrap.web import Services
from aiser_app.db.identifiers import new_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.query.results import ResultStore
from tests.fixtures.organizations import Tenant, add_result, add_run, finish_run
from tests.fixtures.web import Person, sign_in

pytestmark = [pytest.mark.integration, pytest.mark.security]

ENDINGS = ["", ".csv", ".xlsx", ".parquet", ".json", ".ndjson"]
FORMULAS = [
    "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://evil\",\"x\")", "+1+1", "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)", "\t=1+1", "\r=1+1", "\n=1+1", "\x00=1+1", "\x01\x02=1+1", "\uff1d1+1", "\uff0b1",
    "\uff0d1", "\uff201",
]  # fmt: skip


@pytest.fixture(scope="module")
def result_id(tenant: Tenant, engine: Engine, results_dir: Path) -> str:
    run = add_run(engine, tenant.actor(), tenant.source)
    result = add_result(engine, run, results_dir)
    finish_run(engine, run, result)
    return result.result_id


@pytest.fixture(scope="module")
def formulas(tenant: Tenant, engine: Engine, results_dir: Path) -> str:
    """A result whose names and values are formulas."""
    run = add_run(engine, tenant.actor(), tenant.source)
    result = add_result(engine, run, results_dir)
    table = pa.table({"=1+1": FORMULAS, "-1": pa.array([-1.5] * len(FORMULAS))})
    made = new_id()
    stored = ResultStore(results_dir).write(
        table.to_batches(),
        table.schema,
        result_id=made,
        organization_id=run.organization_id,
        limit=1_000,
    )
    with UnitOfWork(engine) as uow:
        envelope = replace(
            result, result_id=made, columns=stored.columns, row_count=stored.row_count
        )
        uow.results.add(envelope, run_id=run.run_id, user_id=run.user_id)
        uow.commit()
    finish_run(engine, run)
    return made


@pytest.mark.parametrize("ending", ENDINGS)
def test_others_find_nothing(
    people: dict[Role, Person],
    web_services: Services,
    client: TestClient,
    stranger_tenant: Tenant,
    result_id: str,
    ending: str,
) -> None:
    """Neither colleagues of any role nor people of another organization, in any format."""
    strangers = [sign_in(web_services, client, stranger_tenant, role) for role in Role]
    colleagues = [person for role, person in people.items() if role is not Role.ANALYST]
    for person in (*strangers, *colleagues):
        for options in ({}, {"headers": {"Accept": "application/vnd.apache.arrow.stream"}}):
            reply = person.get(f"/results/{result_id}{ending}", **options)
            missing = person.get(f"/results/{'0' * 32}{ending}", **options)
            assert reply.status_code == 404
            assert reply.text == missing.text
            assert "row 0" not in reply.text
            assert "content-disposition" not in reply.headers


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    "path",
    [
        "..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd", "....%2F%2F", "%00", "a%00", "*", "%2e%2e",
        "..\\..\\x", "." + "a" * 31, "~root", "a" * 5_000, "%F0%9F%98%80", "{result_id}%2F..",
        "{result_id}%00", "{result_id}.tmp", "%0a{result_id}", "{result_id}%20",
    ],
)  # fmt: skip
def test_ids_are_not_paths(analyst: Person, result_id: str, path: str, ending: str) -> None:
    reply = analyst.get(f"/results/{path.replace('{result_id}', result_id)}{ending}")
    assert reply.status_code in (404, 414)
    assert "root:" not in reply.text
    assert "row 0" not in reply.text


def test_an_organization_cannot_link_to_rows_of_another(
    analyst: Person, engine: Engine, results_dir: Path, stranger_tenant: Tenant
) -> None:
    """An envelope leads to files of its own organization only."""
    run = add_run(engine, stranger_tenant.actor(), stranger_tenant.source)
    foreign = add_result(engine, run, results_dir)
    store = ResultStore(results_dir)
    mine = analyst.tenant.organization_id
    assert not store.share(foreign.result_id, mine, new_id())
    for name in (f"../{stranger_tenant.organization_id}/{foreign.result_id}", "../../x"):
        with pytest.raises(Exception, match="no such result"):
            store.share(name, mine, new_id())


INJECTIONS = [
    "name; DROP TABLE users", "name) FROM read_text('/etc/passwd') --", '"name"', "1", "*",
    "(SELECT 1)", "row", "k0", "t0", "__aiser_rows", "name\x00", "name,(SELECT 1)", "--name",
    "current_setting('temp_directory')", "name DESC, (SELECT count(*) FROM duckdb_settings())",
]  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("text", INJECTIONS)
def test_sorting_takes_names_of_columns_only(
    analyst: Person, result_id: str, text: str, ending: str
) -> None:
    reply = analyst.get(f"/results/{result_id}{ending}", params={"sort": text})
    assert reply.status_code == 422
    reply = analyst.get(f"/results/{result_id}{ending}", params={"filter": f"{text}:set"})
    assert reply.status_code == 422
    assert "temp" not in reply.text.replace(text, "")


@pytest.mark.parametrize(
    "value",
    [
        "' OR 1=1 --", "x' UNION SELECT * FROM duckdb_settings() --", "%", "_", "$1", "?", "\\",
        "';SELECT read_text('/etc/passwd')--", "x\x00y", "\u202e", "{{7*7}}", "NULL",
    ],
)  # fmt: skip
@pytest.mark.parametrize("operator", ["equals", "contains", "gt"])
def test_values_of_filters_are_only_values(
    analyst: Person, result_id: str, operator: str, value: str
) -> None:
    reply = analyst.get(f"/results/{result_id}", params={"filter": f"name:{operator}:{value}"})
    assert reply.status_code == 200
    rows = [row[0] for row in reply.json()["rows"]]
    names = [f"row {number}" for number in range(3)]
    match operator:
        case "equals":
            assert rows == []
        case "contains":
            assert rows == [name for name in names if value in name]
        case _:
            assert rows == [name for name in names if name > value]


@pytest.mark.parametrize(
    "filter",
    [
        "amount:gt:1e999999999", "amount:gt:0x10", "big:equals:1e999999999", "big:gt:" + "9" * 1_900,
        "big:equals:-1e-999999999", "big:equals:NaN", "big:equals:[" + "1," * 900 + "1]",
        "name:contains:" + "a" * 1_900, "name:equals:" + "[" * 1_900,
    ],
)  # fmt: skip
def test_numbers_as_bombs_do_not_go_off(analyst: Person, result_id: str, filter: str) -> None:
    reply = analyst.get(f"/results/{result_id}", params={"filter": filter})
    assert reply.status_code in (200, 422)


def test_formulas_are_defused_where_a_spreadsheet_reads(analyst: Person, formulas: str) -> None:
    text = analyst.get(f"/results/{formulas}.csv").content.decode()
    head, *rows = list(csv.reader(io.StringIO(text, newline="")))
    assert head == ["'=1+1", "'-1"]
    assert [row[0] for row in rows] == [f"'{formula}" for formula in FORMULAS]
    assert {row[1] for row in rows} == {"-1.5"}  # a negative number is no formula
    workbook = analyst.get(f"/results/{formulas}.xlsx").content
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if "sheet" in name]
        assert not any("vbaProject" in name or "external" in name for name in archive.namelist())
    assert not any("<f" in sheet.replace("<fonts", "").replace("<fills", "") for sheet in sheets)
    assert sum(sheet.count('t="inlineStr"') for sheet in sheets) >= len(FORMULAS)


def test_data_formats_keep_values_as_they_are(analyst: Person, formulas: str) -> None:
    """They are read by programs: an apostrophe would be a wrong value there."""
    objects = analyst.get(f"/results/{formulas}.json").json()
    assert [item["=1+1"] for item in objects] == FORMULAS
    lines = analyst.get(f"/results/{formulas}.ndjson").content.split(b"\n")[:-1]
    assert [json.loads(line)["=1+1"] for line in lines] == FORMULAS
    table = pq.read_table(io.BytesIO(analyst.get(f"/results/{formulas}.parquet").content))
    assert table.column("=1+1").to_pylist() == FORMULAS


def test_files_are_downloads_and_not_pages(analyst: Person, result_id: str) -> None:
    for ending in ENDINGS[1:]:
        reply = analyst.get(f"/results/{result_id}{ending}")
        assert reply.headers["content-disposition"].startswith("attachment;")
        assert reply.headers["x-content-type-options"] == "nosniff"
