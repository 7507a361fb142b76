"""Files that nobody means well with, over the API: each is refused in words, and nothing remains."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Role
from tests.fixtures.ingests import Uploader
from tests.fixtures.organizations import Tenant
from tests.fixtures.web import Person, sign_in
from tests.unit.query.ingest.desk import workbook
from tests.unit.query.ingest.test_archives import hostile, zipped
from tests.unit.query.ingest.test_workbook_ingest import rewritten

pytestmark = [pytest.mark.integration, pytest.mark.security]

CSV = b"id,city\n1,Berlin\n2,Paris\n"
MEGABYTE = 1024**2


@pytest.fixture
def uploader(web_services: Services) -> Uploader:
    return Uploader(web_services)


@pytest.fixture(autouse=True)
def nothing_remains(web_services: Services, uploader: Uploader) -> Any:
    """Whatever happens, no file stays anywhere but those of sources."""
    yield
    assert uploader.left_behind() == []


def assert_refused(reply: Any, *statuses: int) -> str:
    """The message, which has no path in it."""
    assert reply.status_code in statuses, reply.text[:500]
    assert set(reply.json()) == {"error"}
    text = reply.text
    for leak in ("Traceback", "/tmp", "/home", ".duckdb", "duckdb", "calamine"):
        assert leak not in text
    return str(reply.json()["error"]["message"])


def parquet(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


# Who may


@pytest.mark.parametrize("path", ["/uploads", "/uploads/preview"])
def test_nobody_without_the_right(
    people: dict[Role, Person],
    client: TestClient,
    uploader: Uploader,
    web_services: Services,
    path: str,
) -> None:
    viewer = people[Role.VIEWER]
    assert "sources.upload" in assert_refused(uploader.send(viewer, "f.csv", CSV, to=path), 403)
    client.cookies.clear()
    files = {"file": ("f.csv", CSV)}
    assert_refused(client.post(f"/api/v1{path}", files=files), 401)
    wrong = {"Authorization": "Bearer ais_nothing"}
    assert_refused(client.post(f"/api/v1{path}", files=files, headers=wrong), 401)
    analyst = people[Role.ANALYST]
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert_refused(analyst.post(path, files=files, headers=foreign), 403)


def test_nothing_is_read_of_who_may_not(people: dict[Role, Person], uploader: Uploader) -> None:
    taken = 0

    def body() -> Any:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b"x" * MEGABYTE

    headers = {"Content-Type": "multipart/form-data; boundary=cut", "Content-Length": "104857600"}
    reply = people[Role.VIEWER].post("/uploads", content=body(), headers=headers)
    assert_refused(reply, 403)


def test_a_foreign_organization(
    analyst: Person,
    uploader: Uploader,
    web_services: Services,
    client: TestClient,
    stranger_tenant: Tenant,
) -> None:
    run = uploader.ingest(analyst, "ours.csv", CSV)
    source_id = run["outcome"]["source_id"]
    stranger = sign_in(web_services, client, stranger_tenant, Role.OWNER)
    for source in (source_id, "ours"):
        for mode in ("create", "append", "replace"):
            reply = uploader.send(stranger, "f.csv", CSV, source=source, mode=mode, name="ours")
            assert_refused(reply, 404)
    assert stranger.get(f"/runs/{run['run_id']}").status_code == 404
    # The same name is another source there.
    theirs = uploader.ingest(stranger, "ours.csv", CSV)
    assert theirs["outcome"]["source_id"] != source_id


# Names


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/cron.d/x.csv",
        "/etc/passwd.csv",
        "..\\..\\windows\\x.csv",
        "C:\\x.csv",
        "x.csv/../../y.csv",
        "%2e%2e%2fx.csv",
        "....//x.csv",
        "~/.ssh/x.csv",
        "$(id).csv",
        "`id`.csv",
        "a" * 3_000 + ".csv",
        "‮vsc.exe.csv",
        "<img src=x onerror=alert(1)>.csv",
        "'; DROP TABLE runs; --.csv",
    ],
    ids=repr,
)
def test_names_of_files_are_never_paths(
    analyst: Person, uploader: Uploader, web_services: Services, name: str
) -> None:
    home = web_services.settings.home
    before = {path for path in home.rglob("*") if path.is_file()}
    run = uploader.ingest(analyst, name, CSV, name=f"n{os.urandom(4).hex()}")
    assert run["status"] == "succeeded"
    made = {path for path in home.rglob("*") if path.is_file()} - before
    source_id = run["outcome"]["source_id"]
    assert {path.name for path in made} == {f"{source_id}.duckdb", f"{source_id}.sqlite"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in made)
    (table,) = run["outcome"]["tables"]
    assert table["name"].isidentifier()


def test_a_file_without_a_name(analyst: Person) -> None:
    for name in ("", "/", "\x01\x02"):
        body = (
            b'--cut\r\nContent-Disposition: form-data; name="file"; filename="'
            + name.encode()
            + b'"\r\n\r\na,b\n1,2\n\r\n--cut--\r\n'
        )
        headers = {"Content-Type": "multipart/form-data; boundary=cut"}
        assert "no name" in assert_refused(
            analyst.post("/uploads", content=body, headers=headers), 422
        )


@pytest.mark.parametrize(
    "column",
    [
        '"; DROP TABLE x; --',
        "<img src=x onerror=alert(1)>",
        "n" * 300,
        "名前",
        "a\u202eb",
        "${jndi:ldap://x}",
        "{{7*7}}",
        "c0",
        "rowid",
        "read_csv('/etc/passwd')",
    ],
    ids=repr,
)
def test_names_of_columns_are_harmless(analyst: Person, uploader: Uploader, column: str) -> None:
    quoted = '"' + column.replace('"', '""') + '"'
    run = uploader.ingest(
        analyst, "f.csv", f"{quoted},b\n1,2\n3,4\n", name=f"n{os.urandom(4).hex()}"
    )
    assert run["status"] == "succeeded", run
    (table,) = run["outcome"]["tables"]
    name = table["columns"][0]["name"]
    assert name.isidentifier()
    assert len(name) <= 60
    checked = analyst.post(
        "/queries/check",
        json={
            "source": run["outcome"]["source_id"],
            "sql": f'SELECT sum("{name}") FROM {table["name"]}',
        },
    )
    assert checked.json()["is_allowed"] is True, checked.text


def test_content_is_never_code(analyst: Person, uploader: Uploader, tmp_path: Path) -> None:
    canary = tmp_path / "canary.csv"
    canary.write_text("secret,x\n1,2\n")
    lines = [
        "'); COPY (SELECT 1) TO '/tmp/x'; --",
        f"{canary}",
        "ATTACH '/etc/passwd'",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "@echo off",
        "=cmd|' /C calc'!A0",
        "{{config}}",
    ]
    content = "text,n\n" + "".join(f'"{line}",1\n' for line in lines)
    run = uploader.ingest(analyst, "code.csv", content)
    assert (run["status"], run["outcome"]["rows"]) == ("succeeded", len(lines))


# Archives


ARCHIVES = {
    "traversal": ("f.zip", hostile("../../etc/x.csv"), "lead out"),
    "absolute": ("f.zip", hostile("/etc/x.csv"), "lead out"),
    "link": ("f.zip", hostile("passwd.csv", stat.S_IFLNK | 0o777), "lead out"),
    "gzip-bomb": ("f.csv.gz", gzip.compress(b"0" * (100 * MEGABYTE)), "200 times"),
    "zip-bomb": ("f.zip", zipped({"f.csv": b"0" * (100 * MEGABYTE)}), "200 times"),
    "nested": ("f.zip", zipped({"f.zip": zipped({"f.csv": CSV})}), "another archive"),
    "two": ("f.zip", zipped({"a.csv": CSV, "b.csv": CSV}), "2 files"),
    "parquet-in-zip": ("f.zip", zipped({"f.parquet": parquet({"a": [1]})}), "named .parquet"),
    "no-archive": ("f.gz", CSV, "named .gz"),
    "broken": ("f.zip", zipped({"f.csv": CSV})[:-5], "damaged"),
}


@pytest.mark.parametrize("path", ["/uploads", "/uploads/preview"])
@pytest.mark.parametrize("case", ARCHIVES)
def test_archives(analyst: Person, uploader: Uploader, case: str, path: str) -> None:
    name, content, message = ARCHIVES[case]
    assert message in assert_refused(uploader.send(analyst, name, content, to=path), 422, 413)


def test_workbooks(analyst: Person, uploader: Uploader, tmp_path: Path) -> None:
    good = workbook(tmp_path, {"S": [["name", "n"], ["Ada", 1], ["Bob", 2]]})
    bomb = rewritten(good, {"xl/media/x.bin": b"\0" * (64 * MEGABYTE)})
    assert "200 times" in assert_refused(uploader.send(analyst, "b.xlsx", bomb), 422)
    assert_refused(uploader.send(analyst, "b.xlsx", good[:-50]), 422)
    assert_refused(uploader.send(analyst, "b.xlsx", CSV), 422)
    linked = io.BytesIO(good)
    with zipfile.ZipFile(linked, "a") as archive:
        archive.writestr("../../evil.xml", "x")
    assert "lead out" in assert_refused(uploader.send(analyst, "b.xlsx", linked.getvalue()), 422)


def test_a_sheet_of_seventeen_billion_cells(
    analyst: Person, uploader: Uploader, tmp_path: Path
) -> None:
    """Two cells in the far corners: who reserves room for all between them runs out of memory."""
    good = workbook(tmp_path, {"S": [["name", "n"], ["Ada", 1]]})
    far = (
        b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/'
        b'spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    sparse = rewritten(good, {"xl/worksheets/sheet1.xml": far})
    assert_refused(uploader.send(analyst, "b.xlsx", sparse), 422)
    assert_refused(uploader.send(analyst, "b.xlsx", sparse, to="/uploads/preview"), 422)
    assert uploader.send(analyst, "f.csv", CSV, to="/uploads/preview").status_code == 200


def test_external_entities(analyst: Person, uploader: Uploader, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary-7f3a")
    good = workbook(tmp_path, {"S": [["name", "n"], ["Ada", 1], ["Bob", 2]]})
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        strings = archive.read("xl/sharedStrings.xml").decode()
    for address in (f"file://{secret}", "http://127.0.0.1:9/x"):
        entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{address}">]><sst'
        changed = strings.replace("<sst", entity, 1).replace(">Ada<", ">&e;<").encode()
        reply = uploader.send(
            analyst,
            "b.xlsx",
            rewritten(good, {"xl/sharedStrings.xml": changed}),
            to="/uploads/preview",
        )
        assert reply.status_code in (200, 422)
        assert "canary" not in reply.text
    laughs = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(10)
    )
    changed = strings.replace("<sst", f"{laughs}]><sst", 1).replace(">Ada<", ">&k;<").encode()
    reply = uploader.send(
        analyst, "b.xlsx", rewritten(good, {"xl/sharedStrings.xml": changed}), to="/uploads/preview"
    )
    assert reply.status_code in (200, 422)
    assert "haha" not in reply.text


# Parquet


WHOLE = parquet({"a": [1, 2]})


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        b"PAR1",
        WHOLE[:-4],
        WHOLE[: len(WHOLE) // 2],
        b"PAR1" + struct.pack("<I", 2**31 - 1) + b"PAR1",
        b"PAR1" + b"\xff" * 200 + struct.pack("<I", 190) + b"PAR1",
        WHOLE[:-200] + os.urandom(190) + WHOLE[-10:],
    ],
    ids=["csv", "head", "cut", "half", "huge-footer", "garbage", "random-metadata"],
)
def test_parquet_that_is_none(analyst: Person, uploader: Uploader, content: bytes) -> None:
    assert_refused(uploader.send(analyst, "f.parquet", content), 422)


@pytest.mark.parametrize("seed", range(8))
def test_parquet_with_flipped_bytes(analyst: Person, uploader: Uploader, seed: int) -> None:
    """A reader that is confused ends its own process, not ours."""
    damaged = bytearray(parquet({"a": list(range(1_000)), "b": ["x" * 50] * 1_000}))
    for at in range(4 + seed, len(damaged) - 8, 97):
        damaged[at] ^= 0xFF
    reply = uploader.send(analyst, "f.parquet", bytes(damaged), to="/uploads/preview")
    assert reply.status_code in (200, 422)


# Too much, too little, too broken


def test_larger_than_allowed(
    analyst: Person, uploader: Uploader, web_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_services.uploads, "max_bytes", 3 * MEGABYTE)
    reply = uploader.send(analyst, "f.csv", b"a,b\n" + b"1,2\n" * MEGABYTE)
    assert reply.status_code == 413
    assert reply.json()["error"]["message"] == "The file is larger than 3 MB."
    said = {"Content-Type": "multipart/form-data; boundary=cut", "Content-Length": str(2**40)}
    reply = analyst.post("/uploads", content=b"--cut", headers=said)
    assert "larger than 200 MB" in assert_refused(reply, 413)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"a,b\n1,2\n", "text/csv", 415),
        (b"", "multipart/form-data", 422),
        (b"garbage", "multipart/form-data; boundary=cut", 422),
        (b"--cut\r\n", "multipart/form-data; boundary=cut", 422),
        (b"--cut--\r\n", "multipart/form-data; boundary=cut", 422),
        (b"\0" * 1000, "multipart/form-data; boundary=cut", 422),
    ],
)
def test_bodies_that_are_no_forms(analyst: Person, content: bytes, kind: str, status: int) -> None:
    for path in ("/uploads", "/uploads/preview"):
        assert_refused(analyst.post(path, content=content, headers={"Content-Type": kind}), status)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n",
        os.urandom(10_000),
        b"\0" * 10_000,
        b"a,b\n1,\xff\xfe\n" + "ä,ö\n".encode() * 10,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        ",".join(f"c{i}" for i in range(10_000)).encode() + b"\n" + b"1," * 9_999 + b"1\n",
        b'{"a":' * 100_000,
    ],
    ids=["empty", "header", "random", "zeros", "bytes", "image", "wide", "deep"],
)
def test_files_that_are_no_tables(analyst: Person, uploader: Uploader, content: bytes) -> None:
    name = "f.json" if content.startswith(b"{") else "f.csv"
    assert_refused(uploader.send(analyst, name, content), 422)


def test_a_full_disk_while_it_comes(
    analyst: Person, uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_sink: object, _data: bytes) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("aiser_app.api.upload_form._write", full)
    reply = uploader.send(analyst, "f.csv", CSV)
    assert "not enough room" in assert_refused(reply, 507)


def test_a_full_disk_while_it_is_ingested(
    analyst: Person, uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = uploader.ingest(analyst, "kept.csv", CSV)
    source_id = good["outcome"]["source_id"]
    path = uploader.services.settings.sources_dir / f"{source_id}.duckdb"
    before = path.read_bytes()
    queued = uploader.send(analyst, "kept.csv", CSV, mode="append").json()
    # The copy that the work is done on does not fit any more.
    monkeypatch.setattr("aiser_app.query.ingest.apart._MODULE", "tests.security.full_disk")
    run = uploader.finish(analyst, queued["run_id"])
    assert (run["status"], run["error"]["code"]) == ("failed", "storage_full")
    assert path.read_bytes() == before
    assert analyst.get(f"/sources/{source_id}").json()["row_count"] == 2
