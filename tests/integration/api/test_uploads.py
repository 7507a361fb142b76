"""Uploads over the API: files in, sources that can be asked out."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Role
from tests.fixtures.ingests import Uploader
from tests.fixtures.web import Person

pytestmark = pytest.mark.integration

ORDERS = "order id;city;amount;day\n1;Berlin;1.234,50;31.12.2024\n2;Köln;7,25;01.02.2025\n"


@pytest.fixture
def uploader(web_services: Services) -> Uploader:
    return Uploader(web_services)


def test_from_a_file_to_a_source(analyst: Person, uploader: Uploader) -> None:
    reply = uploader.send(analyst, "orders 2025.csv", ORDERS)
    assert reply.status_code == 202
    queued = reply.json()
    assert (queued["source"], queued["status"]) == ("orders 2025", "queued")
    assert analyst.get(f"/sources/{queued['source_id']}").json()["status"] == "syncing"
    run = uploader.finish(analyst, queued["run_id"])
    assert (run["kind"], run["status"], run["source"]) == ("ingest", "succeeded", "orders 2025")
    outcome = run["outcome"]
    assert (outcome["kind"], outcome["rows"], outcome["rejected_rows"]) == ("csv", 2, 0)
    (table,) = outcome["tables"]
    assert table["name"] == "orders_2025"
    assert [(c["name"], c["original"], c["type"]) for c in table["columns"]] == [
        ("order_id", "order id", "integer"),
        ("city", "city", "text"),
        ("amount", "amount", "number"),
        ("day", "day", "date"),
    ]
    assert [line["key"] for line in run["progress"]] == ["unpack", "write", "profile", "index"]
    assert {line["state"] for line in run["progress"]} == {"done"}
    source = analyst.get(f"/sources/{queued['source_id']}").json()
    assert (source["status"], source["table_count"], source["row_count"]) == ("ready", 1, 2)
    assert source["tables"][0]["name"] == "orders_2025"
    assert source["suggested_questions"]
    assert uploader.left_behind() == []


def test_rows_can_be_read_through_the_gate(analyst: Person, uploader: Uploader) -> None:
    run = uploader.ingest(analyst, "gate.csv", ORDERS)
    source_id = run["outcome"]["source_id"]
    checked = analyst.post(
        "/queries/check", json={"source": source_id, "sql": "SELECT sum(amount) FROM gate"}
    )
    assert checked.json()["is_allowed"] is True


def test_a_wait_that_ends_first(analyst: Person, uploader: Uploader) -> None:
    reply = uploader.send(analyst, "waiting.csv", ORDERS, wait="0.1")
    assert reply.status_code == 202
    uploader.finish(analyst, reply.json()["run_id"])


def test_a_wait_until_the_end(
    analyst: Person, uploader: Uploader, web_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is at it at once."""

    def work(_queue: object, run: Any, _seconds: float) -> None:
        uploader.execution().execute(run.run_id)

    monkeypatch.setattr("aiser_app.services.uploads.enqueue_run", work)
    reply = uploader.send(analyst, "awaited.csv", ORDERS, wait="30")
    assert reply.status_code == 200
    assert reply.json()["outcome"]["rows"] == 2


def test_a_preview_keeps_nothing(analyst: Person, uploader: Uploader) -> None:
    reply = uploader.send(
        analyst, "orders.csv.gz", gzip.compress(ORDERS.encode()), to="/uploads/preview"
    )
    assert reply.status_code == 200
    seen = reply.json()
    assert (seen["kind"], seen["packed"], seen["encoding"], seen["delimiter"]) == (
        "csv",
        "gz",
        "utf-8",
        ";",
    )
    (table,) = seen["tables"]
    assert [column["type"] for column in table["columns"]] == ["integer", "text", "number", "date"]
    assert "decimal comma" in table["columns"][2]["note"]
    assert table["rows"][0] == ["1", "Berlin", "1.234,50", "31.12.2024"]
    assert uploader.left_behind() == []
    refused = uploader.send(analyst, "orders.csv", "", to="/uploads/preview")
    assert (refused.status_code, refused.json()["error"]["message"]) == (422, "The file is empty.")
    assert uploader.left_behind() == []


def test_corrected_types(analyst: Person, uploader: Uploader) -> None:
    run = uploader.ingest(
        analyst, "typed.csv", "zip,n\n123,1\nx,2\n", types={"zip": "integer", "n": "text"}
    )
    (table,) = run["outcome"]["tables"]
    assert [column["type"] for column in table["columns"]] == ["integer", "text"]
    assert table["unfit"] == [{"column": "zip", "type": "integer", "count": 1, "examples": ["x"]}]


def test_append_and_replace(analyst: Person, uploader: Uploader) -> None:
    first = uploader.ingest(analyst, "a.csv", "id,v\n1,x\n", name="Growing")
    source_id = first["outcome"]["source_id"]
    added = uploader.ingest(analyst, "b.csv", "id,v\n2,y\n", name="Growing", mode="append")
    assert added["outcome"]["source_id"] == source_id
    assert added["outcome"]["tables"][0]["total_rows"] == 2
    other = uploader.ingest(analyst, "c.csv", "k,w\n1,x\n", name="Other", source=source_id)
    assert other["outcome"]["tables"][0]["name"] == "other"
    replaced = uploader.ingest(analyst, "d.csv", "z,q\n9,x\n", name="Growing", mode="replace")
    assert replaced["outcome"]["tables"][0]["total_rows"] == 1
    source = analyst.get(f"/sources/{source_id}").json()
    assert (source["table_count"], source["row_count"]) == (2, 2)


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"name": "Growing"}, 409, "data source “Growing” already"),
        ({"name": "Other", "source": "Growing"}, 409, "already has a table “other”"),
        ({"name": "Nothing", "mode": "append"}, 404, "no such data source"),
        ({"name": "nope", "source": "Growing", "mode": "append"}, 404, "no table “nope”"),
        ({"name": "x", "source": "Nothing"}, 404, "no such data source"),
        ({"name": "x", "source": "Orders"}, 422, "not made of uploaded files"),
        ({"mode": "upsert"}, 422, "mode is create"),
        ({"types": "{"}, 422, "JSON object"),
        ({"types": '{"a": 1}'}, 422, "JSON object"),
        ({"types": '{"a": "money"}'}, 422, "not a type"),
        ({"wait": "soon"}, 422, "0 to 120"),
        ({"wait": "121"}, 422, "0 to 120"),
        ({"wait": "nan"}, 422, "0 to 120"),
        ({"other": "x"}, 422, "not known"),
        ({"name": "x" * 201}, 422, "at most 200"),
        ({"name": "a\x00b"}, 422, "not text"),
    ],
    ids=repr,
)
def test_requests_that_make_no_sense(
    analyst: Person, uploader: Uploader, fields: dict[str, str], status: int, message: str
) -> None:
    reply = uploader.send(analyst, "f.csv", "a,b\n1,2\n", **fields)
    assert reply.status_code == status, reply.text
    assert message in reply.json()["error"]["message"]
    assert uploader.left_behind() == []


def test_empty_types_and_name_are_none(analyst: Person, uploader: Uploader) -> None:
    run = uploader.ingest(analyst, "no-fields.csv", "a,b\n1,2\n", name="", types={})
    assert run["source"] == "no-fields"
    reply = uploader.send(analyst, "f.csv", "a,b\n1,2\n", name="no-fields", source="")
    assert reply.status_code == 409


def test_one_file_at_a_time_into_a_source(analyst: Person, uploader: Uploader) -> None:
    queued = uploader.send(analyst, "busy.csv", ORDERS).json()
    second = uploader.send(analyst, "busy.csv", ORDERS, mode="replace")
    assert second.status_code == 409
    assert "Another file is being ingested" in second.json()["error"]["message"]
    assert len(uploader.left_behind()) == 1
    uploader.finish(analyst, queued["run_id"])


def test_a_failed_first_upload_leaves_no_source(analyst: Person, uploader: Uploader) -> None:
    rows = "".join(f"{i},{i}\n" for i in range(2_000)) + "1,2,3\n" * 5_000
    queued = uploader.send(analyst, "broken.csv", f"a,b\n{rows}").json()
    run = uploader.finish(analyst, queued["run_id"])
    assert (run["status"], run["error"]["code"]) == ("failed", "invalid_input")
    assert "Most lines" in run["error"]["message"]
    assert analyst.get(f"/sources/{queued['source_id']}").status_code == 404
    assert uploader.left_behind() == []
    assert uploader.ingest(analyst, "broken.csv", ORDERS)["status"] == "succeeded"


def test_a_stopped_upload(analyst: Person, uploader: Uploader) -> None:
    queued = uploader.send(analyst, "stopped.csv", ORDERS).json()
    assert analyst.post(f"/runs/{queued['run_id']}/cancel").json()["status"] == "cancelled"
    again = uploader.ingest(analyst, "stopped.csv", ORDERS)
    assert again["status"] == "succeeded"
    assert again["outcome"]["source_id"] == queued["source_id"]


def test_somebody_elses_upload(people: dict[Role, Person], uploader: Uploader) -> None:
    run = uploader.ingest(people[Role.ADMIN], "admins.csv", ORDERS)
    refused = uploader.send(people[Role.ANALYST], "admins.csv", ORDERS, mode="replace")
    assert refused.status_code == 403
    assert "somebody else" in refused.json()["error"]["message"]
    owner = uploader.ingest(people[Role.OWNER], "admins.csv", ORDERS, mode="replace")
    assert owner["outcome"]["source_id"] == run["outcome"]["source_id"]


def test_five_at_once(people: dict[Role, Person], uploader: Uploader) -> None:
    owner = people[Role.OWNER]
    queued = [uploader.send(owner, f"many-{i}.csv", ORDERS).json() for i in range(5)]
    refused = uploader.send(owner, "many-6.csv", ORDERS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_attempts")
    for one in queued:
        assert uploader.finish(owner, one["run_id"])["status"] == "succeeded"


def test_the_document_says_how(analyst: Person) -> None:
    document = analyst.client.get("/api/v1/openapi.json").json()
    body = document["paths"]["/api/v1/uploads"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data"}
    assert "types" in json.dumps(body)
