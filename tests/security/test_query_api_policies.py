"""Somebody with row policies and masks sees own rows and open values only, whatever way is taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Role
from aiser_app.domain.policy import MaskKind
from aiser_app.services.policies import PolicyInput
from tests.fixtures.clickhouse import ClickHouse
from tests.fixtures.customer import Shop
from tests.fixtures.mariadb import MariaDB
from tests.fixtures.web import Person, sign_in
from tests.security.query_ground import (
    FOREIGN,
    FOREIGN_ROW,
    MASKED,
    OWN,
    OWN_IDS,
    Ground,
    attacked_ground,
)
from tests.security.query_ways import WAYS, by_agent, by_running, call_tool, tool_context

pytestmark = [pytest.mark.integration, pytest.mark.security]

SOURCES = ["Orders", "Lite", "Post", "Maria", "House"]
FILES = ["", ".csv", ".xlsx", ".parquet", ".json", ".ndjson"]
EVERYTHING = "SELECT id, carrier, region, secret FROM flights"

READS = [
    EVERYTHING,
    "SELECT * FROM flights",
    "SELECT f.* FROM flights AS f WHERE 1 = 1 OR region IS NOT NULL",
    f"SELECT * FROM flights WHERE region = '{FOREIGN}'",
    f"SELECT * FROM flights WHERE region <> '{OWN}' OR region IS NULL",
    f"SELECT * FROM flights WHERE secret LIKE '{MASKED}%'",
    f"SELECT * FROM flights WHERE carrier LIKE '{FOREIGN_ROW}%'",
    f"SELECT '{OWN}' AS region, carrier, secret FROM flights",
    f"SELECT o.region, (SELECT max(carrier) FROM flights) AS c FROM (SELECT '{OWN}' AS region) AS o",
    "WITH x AS (SELECT * FROM flights) SELECT * FROM x",
    "WITH x AS (SELECT * FROM flights), y AS (SELECT * FROM x UNION ALL SELECT * FROM flights) "
    "SELECT * FROM y",
    "SELECT a.carrier AS a, b.carrier AS b, b.secret FROM flights AS a JOIN flights AS b ON a.id <= b.id",
    "SELECT a.code, f.carrier, f.secret FROM airlines AS a CROSS JOIN flights AS f",
    "SELECT a.code, f.carrier FROM airlines AS a LEFT JOIN flights AS f ON f.id > 0",
    "SELECT carrier FROM flights UNION SELECT code FROM airlines",
    "SELECT code FROM airlines UNION ALL SELECT secret FROM flights",
    "SELECT code FROM airlines WHERE 1 = 0 UNION ALL SELECT carrier FROM flights",
    "SELECT min(carrier) AS low, max(carrier) AS high, max(secret) AS s FROM flights",
    "SELECT region, count(*) AS n FROM flights GROUP BY region",
    "SELECT carrier FROM flights ORDER BY secret DESC LIMIT 3",
    "SELECT x.c FROM (SELECT y.carrier AS c FROM (SELECT carrier FROM flights) AS y) AS x",
    "SELECT carrier, row_number() OVER (ORDER BY secret) AS n FROM flights",
    "SELECT f.id FROM flights AS f WHERE f.id = (SELECT max(g.id) FROM flights AS g)",
    f"SELECT CASE WHEN carrier LIKE '{FOREIGN_ROW}%' THEN carrier ELSE 'x' END AS c FROM flights",
]
"""None of them may show a foreign row or a masked value."""

SAYS = {
    "SELECT count(*) AS n FROM flights": len(OWN_IDS),
    f"SELECT count(*) AS n FROM flights WHERE region = '{FOREIGN}'": 0,
    f"SELECT count(*) AS n FROM flights WHERE secret LIKE '{MASKED}%'": 0,
    f"SELECT count(*) AS n FROM airlines WHERE EXISTS (SELECT 1 FROM flights WHERE region = '{FOREIGN}')": 0,
    f"SELECT count(*) AS n FROM airlines WHERE 1 IN (SELECT id FROM flights WHERE region = '{FOREIGN}')": 0,
    "SELECT sum(id) AS n FROM flights": sum(OWN_IDS),
    "SELECT min(id) AS n FROM flights": min(OWN_IDS),
    "SELECT count(DISTINCT region) AS n FROM flights": 1,
    "SELECT count(*) AS n FROM (SELECT * FROM flights) AS f JOIN flights AS g ON f.id = g.id": len(
        OWN_IDS
    ),
    "SELECT count(*) AS n FROM airlines HAVING count(*) < (SELECT count(*) FROM flights)": 2,
    f"WITH x AS (SELECT id FROM flights WHERE region = '{FOREIGN}') SELECT count(*) AS n FROM x": 0,
}
"""Numbers tell of hidden rows as well: (query, what it must say)."""

VIEWS = [
    "SELECT * FROM seen",
    "SELECT count(*) AS n FROM seen",
    "WITH x AS (SELECT * FROM seen) SELECT * FROM x",
    "SELECT code FROM airlines UNION SELECT carrier FROM seen",
    "SELECT code FROM airlines WHERE EXISTS (SELECT 1 FROM seen)",
]
ERRORS = [
    "SELECT id FROM flights WHERE CAST(carrier AS INTEGER) > 0",
    "SELECT CAST(carrier AS DATE) AS d FROM flights",
    "SELECT id FROM flights WHERE CAST(secret AS INTEGER) = 1",
    "SELECT carrier + 1 AS n FROM flights",
    "SELECT id FROM flights WHERE id / (distance - 7) > 0",
]
"""Errors of databases quote the value that they are about."""


@dataclass
class Guarded:
    ground: Ground
    people: dict[Role, Person]

    @property
    def limited(self) -> Person:
        """An analyst of the own region."""
        return self.people[Role.ANALYST]

    @property
    def exempt(self) -> Person:
        return self.people[Role.ADMIN]


@pytest.fixture(scope="module")
def guarded(
    web_services: Services,
    client: TestClient,
    shop: Shop,
    mariadb_server: MariaDB,
    clickhouse_server: ClickHouse,
) -> Iterator[Guarded]:
    """A ground of its own, where policies hold for everybody but administrators."""
    with attacked_ground(web_services, shop, mariadb_server, clickhouse_server) as ground:
        tenant = ground.desk.tenant
        people = {role: sign_in(web_services, client, tenant, role) for role in Role}
        _give_region(ground, OWN)
        for source in SOURCES:
            _add_policy(ground, source, name="own region", condition="region = :region")
            _add_policy(ground, source, name="no secrets", column="secret", mask=MaskKind.CONSTANT)
        yield Guarded(ground=ground, people=people)


def _give_region(ground: Ground, region: str) -> None:
    ground.services.accounts.change_user(
        ground.desk.tenant.actor(Role.OWNER),
        ground.desk.tenant.users[Role.ANALYST].user_id,
        attributes={"region": region},
    )


def _add_policy(ground: Ground, source: str, table: str = "flights", **given: Any) -> None:
    ground.services.policies.create(
        ground.desk.admin,
        PolicyInput(source=source, table=table, exempt_roles=[Role.ADMIN], **given),
    )


def tells(text: str, asked: str = "") -> list[str]:
    """What a text tells that it must not, apart from what was asked."""
    said = text.replace(json.dumps(asked)[1:-1], "")
    for line in asked.splitlines():
        said = said.replace(line, "")
    return [word for word in (f"{FOREIGN_ROW}-", f"{MASKED}-") if word in said]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("way", ["run", "agent", "plan", "measured plan", "across sources"])
def test_no_foreign_row_and_no_masked_value(guarded: Guarded, source: str, way: str) -> None:
    leaks, empty = [], []
    thorough = way == "run" or source in ("Orders", "Post")
    for sql in READS[:3] if "plan" in way else READS if thorough else READS[::3]:
        outcome = WAYS[way](guarded.ground, guarded.limited, source, sql)
        if tells(outcome.text):
            leaks.append((sql, outcome))
        if outcome.code and not outcome.is_refused:
            empty.append((sql, outcome))
        for row in outcome.rows if sql == EVERYTHING else []:
            assert (row[0] in OWN_IDS, row[2], row[3]) == (True, OWN, "***")
    assert (leaks, empty) == ([], [])
    everything = WAYS[way](guarded.ground, guarded.limited, source, EVERYTHING)
    if way in ("run", "agent", "across sources"):
        assert len(everything.rows) == len(OWN_IDS)
    if way == "measured plan":
        assert everything.code == "query_denied"  # it would count the hidden rows


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("way", ["run", "agent", "across sources"])
def test_numbers_count_own_rows_only(guarded: Guarded, source: str, way: str) -> None:
    thorough = way == "run" or source in ("Orders", "Post")
    for sql, expected in list(SAYS.items())[:: 1 if thorough else 3]:
        outcome = WAYS[way](guarded.ground, guarded.limited, source, sql)
        assert (outcome.code, [[float(v) for v in row] for row in outcome.rows]) == (
            "",
            [[float(expected)]],
        ), (sql, outcome)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("way", WAYS)
def test_views_do_not_show_what_is_hidden(guarded: Guarded, source: str, way: str) -> None:
    for sql in VIEWS:
        outcome = WAYS[way](guarded.ground, guarded.limited, source, sql)
        assert outcome.is_refused, (sql, outcome)
        assert tells(outcome.text) == []


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("way", ["run", "agent", "across sources"])
def test_errors_quote_no_values(guarded: Guarded, source: str, way: str) -> None:
    for sql in ERRORS:
        outcome = WAYS[way](guarded.ground, guarded.limited, source, sql)
        assert tells(outcome.text) == [], (sql, outcome)


@pytest.mark.parametrize("source", SOURCES)
def test_semantic_queries_and_their_filters(guarded: Guarded, source: str) -> None:
    ground, person = guarded.ground, guarded.limited
    query: dict[str, Any] = {"measures": ["flights.count"]}
    assert ground.finished(person, source, semantic_query=query)["rows"] == [[len(OWN_IDS)]]
    for member, operator, value in (
        ("flights.region", "equals", FOREIGN),
        ("flights.secret", "contains", MASKED),
        ("flights.carrier", "contains", FOREIGN_ROW),
    ):
        condition = {"member": member, "operator": operator, "values": [value]}
        view = ground.finished(person, source, semantic_query={**query, "filters": [condition]})
        assert view["rows"] == [[0]], view
    listed = {**query, "dimensions": [{"member": "flights.carrier"}, {"member": "flights.secret"}]}
    view = ground.finished(person, source, semantic_query=listed)
    assert len(view["rows"]) == len(OWN_IDS)
    assert tells(json.dumps(view)) == []
    assert tells(call_tool(tool_context(ground, source), semantic_query=listed).text) == []


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_cached_for_others_stays_theirs(guarded: Guarded, source: str) -> None:
    """The same text, at first from somebody who sees all, then from somebody who does not."""
    ground, sql = guarded.ground, f"{EVERYTHING} ORDER BY id"
    full = ground.finished(guarded.exempt, source, sql=sql)
    assert len(full["rows"]) == 20
    assert ground.finished(guarded.exempt, source, sql=sql)["from_cache"]
    own = ground.finished(guarded.limited, source, sql=sql)
    assert not own["from_cache"]
    assert [row[0] for row in own["rows"]] == OWN_IDS
    again = ground.finished(guarded.limited, source, sql=sql)
    assert again["from_cache"]
    assert tells(json.dumps(again), sql) == []
    assert len(ground.finished(guarded.exempt, source, sql=sql)["rows"]) == 20
    for ending in FILES:
        path = f"/results/{full['result_id']}{ending}"
        assert guarded.limited.get(path).status_code == 404
        mine = guarded.limited.get(f"/results/{again['result_id']}{ending}")
        assert mine.status_code == 200
        assert (FOREIGN_ROW.encode() in mine.content, MASKED.encode() in mine.content) == (
            False,
            False,
        )


@pytest.mark.parametrize("source", SOURCES)
def test_joins_across_sources_respect_both(guarded: Guarded, source: str) -> None:
    other = "Lite" if source == "Orders" else "Orders"
    sql = (
        f"SELECT a.id, a.carrier, b.carrier AS other, b.secret FROM {source}.flights AS a "
        f"FULL JOIN {other}.flights AS b ON a.id = b.id"
    )
    view = guarded.ground.finished(guarded.limited, [source, other], sql=sql)
    assert len(view["rows"]) == len(OWN_IDS), view
    assert tells(json.dumps(view)) == []


@pytest.mark.parametrize("source", SOURCES)
def test_what_a_sync_measured_is_not_told(guarded: Guarded, source: str) -> None:
    """Values, bounds and counts are read for everybody at once: who is limited gets none of them."""
    source_id = guarded.ground.fields[source].source.source_id
    pages = ["", "/tables", "/tables/flights", "/tables/seen"]
    texts = {page: guarded.limited.get(f"/sources/{source_id}{page}").text for page in pages}
    assert [page for page, text in texts.items() if tells(text) or f'"{FOREIGN}"' in text] == []
    detail = json.loads(texts["/tables/flights"])
    assert [column["values"] for column in detail["columns"]] == [[]] * 5
    seen = guarded.exempt.get(f"/sources/{source_id}/tables/flights").text
    assert f'"{FOREIGN}"' in seen
    model = guarded.ground.services.sources.model(
        guarded.ground.desk.tenant.actor(Role.ADMIN), source_id
    )
    assert FOREIGN in str(model)
    assert tells(str(tool_context(guarded.ground, source).granted.tables["flights"])) == []


def test_whoever_lacks_the_attribute_gets_nothing(guarded: Guarded) -> None:
    for source in SOURCES:
        for way in (by_running, by_agent):
            if way is by_agent:
                context = tool_context(guarded.ground, source, Role.OWNER)
                outcome = call_tool(context, sql=EVERYTHING)
            else:
                outcome = way(guarded.ground, guarded.people[Role.OWNER], source, EVERYTHING)
            assert outcome.is_refused, outcome
            assert "region" in outcome.text


def test_a_tighter_policy_holds_at_once(guarded: Guarded) -> None:
    """Also for a query that waits, and for one whose result is in the cache."""
    ground, limited = guarded.ground, guarded.limited
    sql = "SELECT id FROM flights ORDER BY id"
    for source in SOURCES:
        assert [row[0] for row in ground.finished(limited, source, sql=sql)["rows"]] == OWN_IDS
    waiting = limited.post("/queries", json={"source": "Post", "sql": sql, "refresh": True}).json()
    for source in SOURCES:
        _add_policy(ground, source, name="few", condition="distance < 5")
    ground.desk.execution.execute(waiting["run_id"])
    assert limited.get(f"/runs/{waiting['run_id']}").json()["rows"] == [[2], [4]]
    for source in SOURCES:
        assert ground.finished(limited, source, sql=sql)["rows"] == [[2], [4]]
        outcome = call_tool(tool_context(ground, source), sql=sql)
        assert outcome.rows == [[2], [4]]
    _give_region(ground, FOREIGN)
    for source in SOURCES:
        assert ground.finished(limited, source, sql=sql)["rows"] == [[1], [3]]
