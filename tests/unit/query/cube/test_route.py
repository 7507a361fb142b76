"""The route by way of Cube in the one gate: taken, not taken, failing; and what is said of it."""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest

from aiser_app.domain.actor import Role
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import SourceSettings, SourceStatus
from aiser_app.domain.policy import ColumnMask, MaskKind, Policies, RowPolicy
from aiser_app.domain.query_record import QueryStatus
from aiser_app.domain.semantic_query import DimensionRef, SemanticQuery
from aiser_app.errors import (
    EngineUnavailable,
    QueryCancelled,
    QueryInvalid,
    QueryTimedOut,
    SourcePaused,
)
from aiser_app.query.cache import ResultCache
from tests.unit.query.builders import an_actor
from tests.unit.query.cube.desk import SECRET, CubeDesk, KeepingCache
from tests.unit.query.cube.scripted import (
    WAIT,
    breaks_off,
    hangs,
    redirects,
    rows,
    says,
    sql,
    starts_and_hangs,
)

DATA = (
    {"items.kind": "tea", "items.count": "20"},
    {"items.kind": "milk", "items.count": "10"},
)
DIRECT = [("tea", 2), ("milk", 1)]


def answers(desk: CubeDesk, *, text: str = "SELECT count(*) FROM items") -> None:
    desk.cube.on("/sql", sql(text)).on("/load", rows(*DATA))


def test_a_result_of_cube(desk: CubeDesk) -> None:
    desk.cube.on("/sql", sql("SELECT count(*) AS n FROM items WHERE kind = ?", ["tea"]))
    desk.cube.on("/load", rows(*DATA, lastRefreshTime="2026-01-02T03:04:05.000Z"))
    result = desk.run()
    assert desk.rows(result) == [("tea", 20), ("milk", 10)]
    assert (result.route, result.engine, result.tables) == ("cube", "cube", ("items",))
    assert "Cube answered" in result.why
    assert " ".join(result.sql.split()) == "SELECT COUNT(*) AS n FROM items WHERE kind = 'tea'"
    assert result.as_of == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert [(c.name, c.type, c.title) for c in result.columns] == [
        ("kind", "string", "Kind of item"),
        ("count", "integer", "How many"),
    ]
    assert (result.rows_read, result.notes, result.truncated) == (3, (), False)
    [record] = desk.journal.records
    assert (record.route, record.engine, record.sql) == ("cube", "cube", result.sql)
    assert record.status is QueryStatus.SUCCEEDED


def test_what_is_sent(desk: CubeDesk) -> None:
    answers(desk)
    desk.run()
    [body] = desk.cube.bodies("/load")
    assert body == {
        "query": {
            "measures": ["items.count"],
            "dimensions": ["items.kind"],
            "order": [["items.count", "desc"], ["items.kind", "asc"]],
            "limit": 101,
            "timezone": "UTC",
        },
        "queryType": "multi",
    }
    token = desk.cube.requests[0][1]["authorization"]
    header, content, _ = (
        part if at == 2 else json.loads(base64.urlsafe_b64decode(part + "=="))
        for at, part in enumerate(token.split("."))
    )
    assert header == {"alg": "HS256", "typ": "JWT"}
    content = cast(dict, content)
    assert 0 < content.pop("exp") - content.pop("iat") <= 80
    assert content == {
        "iss": "aiser",
        "organization": an_actor().organization_id,
        "user": an_actor().user_id,
        "role": "analyst",
        "attributes": {"region": "EU"},
    }
    assert SECRET not in token


def test_cube_is_asked_until_it_is_done(desk: CubeDesk) -> None:
    desk.cube.on("/sql", sql()).on("/load", says(WAIT), says(WAIT), rows(*DATA))
    assert desk.run().route == "cube"
    assert len(desk.cube.bodies("/load")) == 3
    tokens = {headers["authorization"] for _, headers, _ in desk.cube.requests}
    assert len(tokens) == 1  # Cube finds a running query again by who asks


def test_waiting_ends_with_the_time_of_the_query(desk: CubeDesk) -> None:
    desk.cube.on("/sql", sql()).on("/load", says(WAIT))
    with pytest.raises(QueryTimedOut):
        desk.run(desk.request(timeout_seconds=0.6))
    assert desk.journal.records[0].status is QueryStatus.TIMED_OUT


@pytest.mark.parametrize(
    ("reason", "expected"), [("cancelled", QueryCancelled), ("deadline", QueryTimedOut)]
)
def test_a_stop_ends_waiting(
    desk: CubeDesk, over: threading.Event, reason: str, expected: type[Exception]
) -> None:
    desk.cube.on("/sql", sql()).on("/load", says(WAIT), hangs(over))
    cancel = CancelToken()
    timer = threading.Timer(0.3, cancel.cancel, [reason])
    timer.start()
    started = time.monotonic()
    with pytest.raises(expected):
        desk.run(cancel=cancel)
    assert time.monotonic() - started < 1.9  # before Cube's own time for an answer is over
    timer.join()


def test_a_stop_before_anything_is_asked(desk: CubeDesk) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(QueryCancelled):
        desk.run(cancel=cancel)
    assert desk.cube.requests == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (says({"error": "Error: cannot read /var/lib/secret.db"}, 400), "could not run"),
        (
            says({"type": "UserError", "error": "'x' not found for path 'items.count'"}, 400),
            "items.count",
        ),
        (says({"error": "Invalid token"}, 403), "refuses Aiser's token"),
        (says({"error": "no"}, 401), "refuses Aiser's token"),
        (says({"error": "boom at /app/x.js"}, 500), "failed (status 500)"),
        (says(b"<html>", 502), "failed (status 502)"),
        (says([], 500), "failed (status 500)"),
        (says({}, 404), "no Cube API"),
        (says({}, 429), "too much to do"),
        (redirects("http://127.0.0.1:1/"), "leads elsewhere"),
        (says(b"not json"), "could not be read"),
        (says([1]), "could not be read"),
        (says({"results": []}), "could not be read"),
        (says({"results": [{"data": [1]}]}), "could not be read"),
        (says({"error": "something else"}), "could not run"),
        (says(b'{"results": [{"data": [{"items.kind": NaN}]}]}'), "could not be read"),
        (says(b"[" * 100_000), "could not be read"),
        (rows({"items.kind": "tea"}), "could not be read"),
        (rows({"items.kind": "tea", "items.count": "many"}), "could not be read"),
        (breaks_off, "broke off"),
    ],
)
def test_when_cube_fails_the_compiler_answers(desk: CubeDesk, script, said: str) -> None:
    desk.cube.on("/sql", sql()).on("/load", script)
    result = desk.run()
    assert desk.rows(result) == DIRECT
    assert (result.route, result.engine) == ("duckdb", "duckdb")
    assert said in result.why
    assert "DuckDB file" in result.why
    [note] = result.notes
    assert said in note
    assert "Aiser's own compiler" in note
    assert "secret.db" not in repr(result)
    assert SECRET not in repr(result)
    assert desk.journal.records[-1].route == "duckdb"


def test_internals_of_cube_are_never_repeated(desk: CubeDesk) -> None:
    leak = "password authentication failed for user boss at 10.0.0.1 /etc/x"
    desk.cube.on("/sql", sql()).on("/load", says({"error": leak, "stack": leak}, 400))
    told = repr(desk.run())
    assert not [word for word in ("boss", "10.0.0.1", "/etc") if word in told]


def test_a_cube_that_hangs(desk: CubeDesk, over: threading.Event) -> None:
    desk.cube.on("/sql", hangs(over))
    first = desk.run()
    assert "did not answer within 2 s" in first.why
    second = desk.run()  # and for a moment nobody tries again
    assert "a moment ago" in second.why
    assert len(desk.cube.requests) == 1
    assert desk.rows(second) == DIRECT


def test_half_of_a_short_time_is_left_for_the_other_way(
    desk: CubeDesk, over: threading.Event
) -> None:
    desk.cube.on("/sql", hangs(over))
    assert desk.rows(desk.run(desk.request(timeout_seconds=2.0))) == DIRECT


def test_a_body_that_never_ends(desk: CubeDesk, over: threading.Event) -> None:
    desk.cube.on("/sql", sql()).on("/load", starts_and_hangs(over))
    with pytest.raises(QueryTimedOut):
        desk.run(desk.request(timeout_seconds=1.0))


def test_nobody_listens(desk: CubeDesk) -> None:
    gone = {**desk.source.options, "cube_url": "http://127.0.0.1:1/cubejs-api/v1"}
    desk.source = replace(desk.source, options=gone)
    result = desk.run()
    assert "Cube does not answer." in result.why
    assert desk.rows(result) == DIRECT


def test_an_address_that_became_forbidden(desk: CubeDesk) -> None:
    there = {**desk.source.options, "cube_url": "http://169.254.169.254:80/cubejs-api/v1"}
    desk.source = replace(desk.source, options=there)
    assert "Cube cannot be reached" in desk.run().why


def test_a_secret_that_cannot_be_opened(desk: CubeDesk) -> None:
    def unseal(_: str) -> str:
        raise EngineUnavailable("damaged")

    desk.access = replace(desk.access, unseal=unseal)
    desk.route = type(desk.route)(desk.access)
    assert "cannot be decrypted" in desk.run().why
    assert desk.cube.requests == []


def test_what_cube_cannot_express_goes_to_the_compiler(desk: CubeDesk) -> None:
    query = SemanticQuery(measures=("items.count",), keep_empty=True)
    result = desk.run(desk.request(query))
    assert desk.rows(result) == DIRECT
    assert result.why.startswith("Cube cannot express groups without rows.")
    assert result.notes == ()  # nothing has failed
    assert desk.cube.requests == []


def test_sql_by_hand_never_goes_to_cube(desk: CubeDesk) -> None:
    result = desk.run(desk.request(semantic=None))
    assert (result.route, desk.cube.requests) == ("duckdb", [])


def test_a_source_without_cube(desk: CubeDesk) -> None:
    desk.source = replace(desk.source, options={"path": "data.duckdb"})
    result = desk.run()
    assert (result.route, "Cube" in result.why) == ("duckdb", False)


def test_what_only_cube_can_compute(desk: CubeDesk) -> None:
    query = SemanticQuery(
        measures=("items.running",), dimensions=(DimensionRef(member="items.size"),)
    )
    request = desk.request(
        query, sql="", columns=(), members=(), refusal=QueryInvalid("Only Cube can.", hint="So.")
    )
    desk.cube.on("/sql", sql())
    desk.cube.on("/load", rows({"items.size": "large", "items.running": "1.50"}))
    result = desk.run(request)
    assert [(c.name, c.title, c.type) for c in result.columns] == [
        ("size", "Size", "string"),
        ("running", "Running", "decimal"),
    ]
    desk.cube.on("/load", says({}, 500))
    with pytest.raises(EngineUnavailable, match=r"Cube failed \(status 500\). Only Cube can."):
        desk.run(request)
    worded = replace(query, keep_empty=True)
    with pytest.raises(
        QueryInvalid, match=r"Cube cannot express groups without rows\. Only Cube can"
    ):
        desk.run(replace(request, semantic=replace(request.semantic, query=worded)))
    with pytest.raises(QueryInvalid, match="Only Cube can"):
        desk.router.check(request)


def test_a_paused_source(desk: CubeDesk) -> None:
    desk.source = replace(desk.source, status=SourceStatus.PAUSED)
    with pytest.raises(SourcePaused):
        desk.run()
    assert desk.cube.requests == []


ROWS = Policies(rows=(RowPolicy(name="only tea", table="items", condition="kind = 'tea'"),))
MASK = Policies(
    masks=(ColumnMask(name="no kinds", table="items", column="kind", kind=MaskKind.NULL),)
)
ELSEWHERE = Policies(rows=(RowPolicy(name="other", table="shops", condition="kind = 'x'"),))


@pytest.mark.parametrize("policies", [ROWS, MASK])
def test_policies_keep_a_query_from_cube(desk: CubeDesk, policies: Policies) -> None:
    answers(desk)
    result = desk.run(desk.request(policies=policies, tables=("items", "shops")))
    assert "does not know the data policies" in result.why
    assert desk.cube.bodies("/load") == []
    assert result.policies
    assert result.notes == ()


def test_policies_of_tables_that_are_not_touched(desk: CubeDesk) -> None:
    answers(desk)
    assert desk.run(desk.request(policies=ELSEWHERE, tables=("items", "shops"))).route == "cube"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM payroll",
        "SELECT count(*) FROM items JOIN payroll USING (kind)",
        "DELETE FROM items",
        "SELECT count(*) FROM read_csv('/etc/passwd')",
        "SELECT ((((",
        "SELECT 1 FROM items " + "x" * 200_001,
        "",
    ],
)
def test_sql_that_reads_what_the_person_may_not(desk: CubeDesk, text: str) -> None:
    answers(desk, text=text)
    result = desk.run()
    assert result.route == "duckdb"
    assert "Which tables Cube would read cannot be told" in result.why
    assert desk.cube.bodies("/load") == []


def test_a_rollup(desk: CubeDesk) -> None:
    desk.cube.on(
        "/sql", sql("SELECT n FROM rollups.items_main", preAggregations=[{"tableName": "x"}])
    )
    desk.cube.on("/load", rows(*DATA))
    result = desk.run()
    assert (result.route, result.tables, result.rows_read) == ("cube", (), None)
    assert "rollup" in result.why
    refused = desk.run(desk.request(policies=ELSEWHERE))
    assert refused.route == "duckdb"
    assert "rollup" in refused.why


@pytest.mark.parametrize(
    "answer",
    [{"sql": {}}, {}, {"sql": {"sql": "text"}}, [], {"sql": {"sql": [1, []]}}, [{"sql": 1}]],
)
def test_an_answer_without_sql(desk: CubeDesk, answer: object) -> None:
    desk.cube.on("/sql", says(answer))
    assert "could not be read" in desk.run().why


def test_results_by_cube_are_shared_by_nobody_else(desk: CubeDesk) -> None:
    answers(desk)
    cache = KeepingCache()
    desk.cache = cast(ResultCache, cache)
    desk.source = replace(desk.source, settings=SourceSettings())
    first = desk.run()
    assert desk.run().from_cache
    found = desk.router.find_cached(desk.request())
    assert found is not None
    assert (found.route, found.from_cache, found.sql) == ("cube", True, first.sql)
    assert desk.journal.records[-1].route == "cube"
    other_person = replace(an_actor(), user_id="3" * 32)
    other_role = replace(an_actor(), role=Role.VIEWER)
    other_region = replace(an_actor(), attributes={"region": "US"})
    for actor in (other_person, other_role, other_region):
        assert not desk.run(desk.request(actor=actor)).from_cache
    elsewhere = {**desk.source.options, "cube_url": desk.cube.url + "/other/v1"}
    desk.source = replace(desk.source, options=elsewhere)
    assert desk.router.find_cached(desk.request()) is None


def test_an_answer_of_the_compiler_is_not_kept_as_one_of_cube(desk: CubeDesk) -> None:
    cache = KeepingCache()
    desk.cache = cast(ResultCache, cache)
    desk.cube.on("/sql", says({}, 500))
    assert desk.run().route == "duckdb"
    answers(desk)
    back = desk.run()
    assert (back.route, back.from_cache) == ("cube", False)
    query = SemanticQuery(measures=("items.count",), keep_empty=True)
    found = desk.router.find_cached(desk.request(query))
    assert found is not None
    assert "cannot express" in found.why


def test_limits(desk: CubeDesk) -> None:
    answers(desk)
    result = desk.run(desk.request(limit=1))
    assert (result.truncated, result.row_count, result.limit) == (True, 1, 1)
    cut = SemanticQuery(
        measures=("items.count",), dimensions=(DimensionRef(member="items.kind"),), limit=2
    )
    whole = desk.run(desk.request(cut))
    assert (whole.truncated, whole.row_count) == (False, 2)
    assert desk.cube.bodies("/load")[-1]["query"]["limit"] == 2
