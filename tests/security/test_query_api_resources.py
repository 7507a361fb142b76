"""Queries that want more than there is end at their limits, inside the database too, alone."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import Any

import psutil
import psycopg
import pytest

from aiser_app.domain.actor import Role
from tests.fixtures.customer import Shop
from tests.fixtures.mariadb import MariaDB
from tests.fixtures.web import Person
from tests.fixtures.worker import wait_until
from tests.security.query_ground import Ground
from tests.security.query_vectors import across
from tests.security.query_ways import call_tool, tool_context

pytestmark = [pytest.mark.integration, pytest.mark.security]

SECONDS = 0.3
ENDLESS_CTE = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT {next} FROM n) SELECT count(*) AS c FROM n"
)
MANY = "flights AS a, flights AS b, flights AS c, flights AS d, flights AS e, flights AS f, flights AS g"
CROSS = (
    f"SELECT count(*) AS c FROM {MANY}, flights AS h "
    "WHERE a.id * b.id * c.id + d.id * e.id * f.id + g.id * h.id < 0"
)
LINKED = "SELECT count(*) AS c FROM flights AS t0" + "".join(
    f" JOIN flights AS t{n} ON t{n}.distance >= t{n - 1}.id" for n in range(1, 60)
)
"""Planning it alone can take for ever."""
LAUGHS = (
    "WITH t0 AS (SELECT 1 AS a), "
    + ", ".join(
        f"t{n} AS (SELECT a FROM t{n - 1} UNION ALL SELECT a FROM t{n - 1})" for n in range(1, 40)
    )
    + " SELECT count(*) AS c FROM t39, flights"
)
"""Each line doubles the one before: written out, it has more rows than there are atoms."""
WIDE_CROSS = f"SELECT a.*, b.*, c.*, d.*, e.*, f.*, g.* FROM {MANY} ORDER BY a.secret, g.secret"
ALL = [CROSS, WIDE_CROSS, LINKED, LAUGHS]
BOMBS = {
    "Orders": [
        ENDLESS_CTE.format(next="i"),
        f"SELECT count(*) AS c FROM {MANY}, flights AS h WHERE hash(a.secret, c.id, e.id, h.id) = 42",
        WIDE_CROSS,
        LINKED,
        LAUGHS,
        f"SELECT string_agg(a.secret || b.secret || c.secret, ',') AS s FROM {MANY}",
        "SELECT count(*) AS c FROM flights AS a, flights AS b GROUP BY CUBE (a.id, a.carrier, a.region, "
        "a.distance, a.secret, b.id, b.carrier, b.region, b.distance, b.secret, a.id + 1, a.id + 2, "
        "a.id + 3, a.id + 4, a.id + 5, a.id + 6, a.id + 7, a.id + 8)",
    ],
    "Lite": [ENDLESS_CTE.format(next="i + 1"), *ALL],
    "Post": [
        ENDLESS_CTE.format(next="i"),
        *ALL,
        "SELECT count(*) AS c FROM generate_series(1, 1000000) AS a(n), generate_series(1, 1000000) AS b(n) "
        "WHERE a.n * b.n < 0",
    ],
    "Maria": ALL,
    "House": ALL,
}
"""They would run for hours, or fill the memory."""
ROWS = [("rows", source, sql) for source, bombs in BOMBS.items() for sql in bombs]
ONCE = [(way, s, bombs[0]) for way in ("measured plan", "agent") for s, bombs in BOMBS.items()]


@pytest.mark.parametrize(("way", "source", "sql"), [*ROWS, *ONCE])
def test_a_bomb_is_defused_in_time(
    ground: Ground, hunter: Person, source: str, sql: str, way: str
) -> None:
    started = time.monotonic()
    if way == "agent":
        context = replace(tool_context(ground, source), seconds_left=lambda: 1.0)
        outcome = call_tool(context, sql=sql)
        assert outcome.is_refused, outcome
    else:
        more: dict[str, Any] = {"explain": "actual"} if way == "measured plan" else {}
        view = ground.finished(hunter, source, sql=sql, timeout=SECONDS, refresh=True, **more)
        codes = ("query_timed_out", "query_invalid", "query_denied")
        assert view.get("error", {"code": view["status"]})["code"] in codes, view
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("sql", [LAUGHS, LINKED])
def test_bombs_across_sources(ground: Ground, hunter: Person, sql: str) -> None:
    started = time.monotonic()
    text = across(sql, "Orders", "Post")
    view = ground.finished(hunter, ["Orders", "Post"], sql=text, timeout=SECONDS, refresh=True)
    assert view.get("error", {"code": view["status"]})["code"] in (
        "query_timed_out",
        "query_denied",
    ), view
    assert time.monotonic() - started < 20


def test_nothing_goes_on_in_the_databases(
    ground: Ground, hunter: Person, shop: Shop, mariadb_server: MariaDB
) -> None:
    for source in ("Post", "Maria"):
        view = ground.finished(hunter, source, sql=CROSS, timeout=SECONDS, refresh=True)
        assert view["error"]["code"] == "query_timed_out"

    def running() -> int:
        with psycopg.connect(shop.owner_url) as owner:
            row = owner.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%flights%' "
                "AND pid <> pg_backend_pid()"
            ).fetchone()
        found = mariadb_server.run(
            "SELECT count(*) FROM information_schema.PROCESSLIST WHERE COMMAND = 'Query' "
            "AND INFO LIKE '%flights%' AND ID <> CONNECTION_ID()"
        )
        assert row is not None
        return int(row[0]) + int(found[0][0])

    wait_until(lambda: running() == 0, "the databases to be quiet", 2)


def test_others_go_on_meanwhile(ground: Ground, hunters: dict[Role, Person]) -> None:
    """Bombs on every source, and somebody who wants one small number from each."""
    bombs = [
        hunters[Role.ADMIN].post(
            "/queries", json={"source": source, "sql": bombs[0], "timeout": 60, "refresh": True}
        )
        for source, bombs in BOMBS.items()
    ]
    run_ids = [reply.json()["run_id"] for reply in bombs]
    # An execution is one worker: each bomb gets its own.
    threads = [
        threading.Thread(target=ground.desk.execution.execute, args=[run_id]) for run_id in run_ids
    ]
    for thread in threads:
        thread.start()
    try:
        wait_until(
            lambda: all(
                hunters[Role.ADMIN].get(f"/runs/{run_id}").json()["status"] == "running"
                for run_id in run_ids
            ),
            "the bombs to run",
        )
        for source in BOMBS:
            view = ground.finished(
                hunters[Role.ANALYST],
                source,
                sql="SELECT count(*) AS n FROM airlines",
                refresh=True,
            )
            assert view["rows"] == [[2]], view
        statuses = [
            hunters[Role.ADMIN].get(f"/runs/{run_id}").json()["status"] for run_id in run_ids
        ]
        assert "running" in statuses
    finally:
        for run_id in run_ids:
            hunters[Role.ADMIN].post(f"/runs/{run_id}/cancel")
        for thread in threads:
            thread.join(30)
    for run_id in run_ids:
        view = hunters[Role.ADMIN].get(f"/runs/{run_id}").json()
        assert view["status"] in ("cancelled", "failed"), view


BODIES: list[dict[str, Any]] = [
    {"sql": "SELECT " + ", ".join(f"1 AS c{n}" for n in range(2_000))},
    {"sql": "SELECT 1 " + "-- x\n" * 5_000},
    {"sql": "SELECT " + "+".join(["1"] * 5_000)},
    {"sql": "SELECT " + " UNION ALL SELECT ".join(["1"] * 5_000)},
    {"sql": "SELECT 1 WHERE " + " OR ".join(["1 = 2"] * 3_000)},
    {"sql": "SELECT 1 IN (" + ", ".join(["1"] * 10_000) + ") AS a"},
    {"sql": "WITH " + ", ".join(f"t{n} AS (SELECT 1 AS a)" for n in range(3_000)) + " SELECT 1 AS a"},
    {"sql": "SELECT '" + "%" * 99_000 + "' LIKE '" + "%" * 10 + "' AS a"},
    {"sql": "SELECT " + "a." * 10_000 + "b FROM flights"},
    {"sql": "SELECT " + "[" * 99 + "1" + "]" * 99},
    {"sql": "SELECT id FROM flights WHERE id IN (:x)", "parameters": {"x": list(range(10_000))}},
    {"sql": "SELECT :x AS a", "parameters": {"x": "9" * 99_000}},
    {"sql": "SELECT :x AS a", "parameters": {"x": int("9" * 4_000)}},
    {"sql": "SELECT :x AS a", "parameters": {"x": {"type": "decimal", "value": "1e999999999"}}},
    {"semantic_query": {"measures": ["flights.count"] * 10_000}},
    {"semantic_query": {"measures": ["flights.count"], "dimensions": [{"member": "flights.id"}] * 9_000}},
    {"semantic_query": {"measures": ["flights.count"], "filters": [
        {"member": "flights.id", "operator": "equals", "values": ["1"] * 5_000}]}},
    {"semantic_query": {"measures": ["flights.count"], "filters": [
        {"member": "flights.id", "operator": "set"}] * 9_000}},
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(str(body)[10:60]))
@pytest.mark.parametrize("source", ["Orders"])
def test_large_requests_end_in_words(
    ground: Ground, hunter: Person, source: str, body: dict[str, Any]
) -> None:
    """Run or refused, but neither a crash nor much memory, nor minutes."""
    memory, started = psutil.Process().memory_info().rss, time.monotonic()
    view = ground.finished(hunter, source, timeout=3, **body)
    assert view["status"] == "succeeded" or view["error"]["code"] in (
        "query_denied",
        "query_invalid",
        "query_timed_out",
        "invalid_input",
    ), json.dumps(view)[:2_000]
    assert time.monotonic() - started < 30
    assert psutil.Process().memory_info().rss - memory < 700 * 1024**2


def test_a_megabyte_of_sql_is_not_even_read(hunter: Person) -> None:
    sql = "SELECT 1 " + "x" * 1_100_000
    reply = hunter.post("/queries", json={"source": "Orders", "sql": sql})
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "payload_too_large")
