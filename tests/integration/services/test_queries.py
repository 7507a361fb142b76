"""A query from the service to its rows: rights, limits, parameters, policies, records."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.domain.policy import MaskKind
from aiser_app.domain.query_ask import Explaining
from aiser_app.domain.run import RunKind, RunStatus
from aiser_app.domain.semantic_query import DimensionRef, SemanticQuery
from aiser_app.errors import InvalidInput, NotFound, PermissionDenied, TooManyAttempts
from aiser_app.services import queries as queries_module
from aiser_app.services.policies import PolicyInput
from aiser_app.services.queries import QueryInput
from aiser_app.services.source_setup import SourceChange
from tests.fixtures.organizations import add_tenant
from tests.fixtures.query_desk import QueryDesk, make_desk

pytestmark = pytest.mark.integration


@pytest.fixture
def desk(web_services: Services) -> Iterator[QueryDesk]:
    return make_desk(web_services)


def test_a_query_ends_with_its_rows(desk: QueryDesk) -> None:
    view = desk.run("SELECT id, total FROM orders WHERE region = 'EU' ORDER BY id")
    assert view["status"] == "succeeded"
    assert view["rows"] == [[1, "10.10"], [2, "20.00"]]
    assert [column["type"] for column in view["columns"]] == ["integer", "decimal"]
    assert (view["row_count"], view["truncated"], view["from_cache"]) == (2, False, False)
    assert (view["route"], view["engine"], view["source"]) == ("duckdb", "duckdb", "Orders")
    assert view["why"]
    assert view["age_seconds"] >= 0
    assert view["queue_ms"] >= 0
    assert "LIMIT" in view["sql"]


def test_the_limit_is_said(desk: QueryDesk) -> None:
    view = desk.run("SELECT id FROM orders ORDER BY id", limit=2)
    assert (view["row_count"], view["truncated"], view["limit"]) == (2, True, 2)
    assert view["limiting_factor"] == "rows"


def test_parameters_are_bound(desk: QueryDesk) -> None:
    evil = "x' OR '1'='1"
    sql = "SELECT id FROM orders WHERE region = :region AND status IN (:statuses) ORDER BY id"
    found = desk.run(sql, parameters={"region": "EU", "statuses": ["paid", "open"]})
    assert found["rows"] == [[1], [2]]
    assert ":region" in found["sql"]
    nothing = desk.run(sql, parameters={"region": evil, "statuses": [evil]})
    assert nothing["rows"] == []
    assert evil not in nothing["sql"]
    missing = desk.run(sql, parameters={"region": "EU"})
    assert missing["error"]["code"] == "query_denied"
    assert "statuses" in missing["error"]["message"]


def test_a_refused_query_is_a_failed_run(desk: QueryDesk) -> None:
    view = desk.run("DROP TABLE orders")
    assert view["status"] == "failed"
    assert view["error"]["code"] == "query_denied"
    assert view["rows"] == []
    broken = desk.run("SELECT id FROM orders WHERE")
    assert broken["error"]["code"] == "query_denied"
    wrong = desk.run("SELECT nope FROM orders")
    assert wrong["error"]["code"] == "query_invalid"


def test_a_semantic_query_is_compiled_and_run(desk: QueryDesk) -> None:
    asked = SemanticQuery(
        measures=("orders.count",), dimensions=(DimensionRef(member="orders.status"),)
    )
    view = desk.run(semantic_query=asked)
    assert view["status"] == "succeeded", view.get("error")
    assert sorted(view["rows"]) == [["open", 1], ["paid", 2]]
    assert view["semantic_query"]["measures"] == ["orders.count"]
    unknown = desk.run(semantic_query=SemanticQuery(measures=("orders.nope",)))
    assert unknown["error"]["code"] == "query_invalid"


def test_a_semantic_query_needs_a_model(desk: QueryDesk) -> None:
    desk.add_file("Bare", "CREATE TABLE t AS SELECT 1 AS a")
    view = desk.run(semantic_query=SemanticQuery(measures=("t.count",)), sources=["Bare"])
    assert view["error"]["code"] == "not_found"


def test_what_cannot_be_asked_is_refused_at_once(desk: QueryDesk) -> None:
    asked = SemanticQuery(measures=("orders.count",))
    for given in (
        {},
        {"sql": "SELECT 1", "semantic_query": asked},
        {"sql": "SELECT 1", "limit": 0},
        {"sql": "SELECT 1", "limit": 10**9},
        {"sql": "SELECT 1", "timeout_seconds": 0.0},
        {"sql": "SELECT 1", "timeout_seconds": 10_000},
        {"sql": "SELECT 1", "sources": []},
        {"sql": "SELECT 1", "sources": ["Orders"] * 11},
        {"semantic_query": asked, "sources": ["Orders", "Orders"]},
        {"sql": "SELECT :a", "parameters": {"a": {"x": 1}}},
    ):
        with pytest.raises(InvalidInput):
            desk.submit(**given)
    with pytest.raises(NotFound):
        desk.submit("SELECT 1", sources=["Elsewhere"])


def test_a_viewer_runs_nothing(desk: QueryDesk) -> None:
    with pytest.raises(PermissionDenied):
        desk.submit("SELECT 1", desk.tenant.actor(Role.VIEWER))


def test_sources_of_others_do_not_exist(desk: QueryDesk, web_services: Services) -> None:
    other = add_tenant(web_services.engine)
    with pytest.raises(NotFound):
        desk.submit("SELECT 1", sources=[other.source.source_id])


def test_open_queries_are_counted(desk: QueryDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries_module, "MAX_OPEN_QUERIES", 2)
    desk.submit("SELECT 1 AS a")
    desk.submit("SELECT 2 AS a")
    with pytest.raises(TooManyAttempts):
        desk.submit("SELECT 3 AS a")


def test_the_cache_answers_the_second_time_without_a_worker(desk: QueryDesk) -> None:
    sql = "SELECT count(*) AS n FROM orders"
    first = desk.run(sql)
    again = desk.submit(sql)
    assert again.status is RunStatus.SUCCEEDED
    second = desk.services.runs.view(desk.actor, again.run_id)
    assert second["from_cache"]
    assert second["rows"] == first["rows"]
    assert second["as_of"] == first["as_of"]
    assert second["result_id"] != first["result_id"]
    assert desk.submit(sql, bypass_cache=True).status is RunStatus.QUEUED
    assert desk.submit(sql + " WHERE id > 1").status is RunStatus.QUEUED
    assert desk.submit(sql, limit=5).status is RunStatus.QUEUED


def test_a_renewed_source_is_read_anew(desk: QueryDesk) -> None:
    source = desk.add_file("Files", "CREATE TABLE orders AS SELECT 7 AS a")
    source = desk.sync(source)
    assert desk.run("SELECT a FROM orders", sources=["Files"])["rows"] == [[7]]
    assert desk.submit("SELECT a FROM orders", sources=["Files"]).status is RunStatus.SUCCEEDED
    with UnitOfWork(desk.services.engine) as uow:
        uow.data_sources.replace(replace(source, data_version="2"))
        uow.commit()
    assert desk.submit("SELECT a FROM orders", sources=["Files"]).status is RunStatus.QUEUED


@pytest.mark.parametrize("is_awaited", [False, True])
def test_only_a_query_that_is_waited_for_may_be_forgotten_by_a_crash(
    desk: QueryDesk, monkeypatch: pytest.MonkeyPatch, is_awaited: bool
) -> None:
    lazily: list[bool] = []
    commit = UnitOfWork.commit

    def spy(uow: UnitOfWork, **options: bool) -> None:
        lazily.append(options.get("lazily", False))
        commit(uow, **options)

    monkeypatch.setattr(UnitOfWork, "commit", spy)
    asked = QueryInput(sources=["Orders"], sql="SELECT 1 AS a", bypass_cache=True)
    run = desk.services.queries.submit(desk.actor, asked, is_awaited=is_awaited).run
    assert lazily == [is_awaited]
    desk.execution.execute(run.run_id)
    # Its end is never forgotten, and lasts only together with its beginning.
    assert lazily == [is_awaited, False]
    assert desk.services.runs.view(desk.actor, run.run_id)["rows"] == [[1]]


def test_many_identical_queries_at_once_run_once(desk: QueryDesk) -> None:
    sql = "SELECT count(*) AS n FROM orders AS a, orders AS b"
    runs = [desk.submit(sql) for _ in range(20)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda run: desk.execution.execute(run.run_id), runs))
    views = [desk.services.runs.view(desk.actor, run.run_id) for run in runs]
    assert [view["rows"] for view in views] == [[[9]]] * 20
    assert sum(not view["from_cache"] for view in views) == 1


def test_policies_hold_for_whoever_they_are_meant_for(desk: QueryDesk) -> None:
    _with_attributes(desk, Role.ANALYST, region="EU")
    desk.services.policies.create(
        desk.admin,
        PolicyInput(
            name="own region",
            source="Orders",
            table="orders",
            condition="region = :region",
            exempt_roles=[Role.ADMIN],
        ),
    )
    sql = "SELECT id FROM orders ORDER BY id"
    own = desk.run(sql)
    assert own["rows"] == [[1], [2]]
    assert own["policies"] == ["own region"]
    everything = desk.run(sql, desk.admin)
    assert everything["rows"] == [[1], [2], [3]]
    owner = desk.tenant.actor(Role.OWNER)
    denied = desk.run(sql, owner)
    assert denied["error"]["code"] == "query_denied"
    assert "region" in denied["error"]["message"]


def test_a_tighter_policy_holds_at_once_whatever_is_cached(desk: QueryDesk) -> None:
    sql = "SELECT id FROM orders ORDER BY id"
    assert len(desk.run(sql)["rows"]) == 3
    desk.services.policies.create(
        desk.admin,
        PolicyInput(name="paid", source="Orders", table="orders", condition="status = 'paid'"),
    )
    assert desk.run(sql)["rows"] == [[1], [3]]
    _with_attributes(desk, Role.ANALYST, region="US")
    desk.services.policies.create(
        desk.admin,
        PolicyInput(name="own", source="Orders", table="orders", condition="region = :region"),
    )
    assert desk.run(sql)["rows"] == [[3]]
    _with_attributes(desk, Role.ANALYST, region="EU")
    assert desk.run(sql)["rows"] == [[1]]


def test_masks_hide_values_from_every_expression(desk: QueryDesk) -> None:
    desk.services.policies.create(
        desk.admin,
        PolicyInput(
            name="no regions", source="Orders", table="orders", column="region", mask=MaskKind.NULL
        ),
    )
    found = desk.run("SELECT max(region) AS r, count(*) AS n FROM orders WHERE region = 'EU'")
    assert found["rows"] == [[None, 0]]


def test_checking_tells_without_running(desk: QueryDesk) -> None:
    good = desk.services.queries.check(
        desk.actor, QueryInput(sources=["Orders"], sql="select id from orders")
    )
    assert good["is_allowed"]
    assert good["tables"] == ["orders"]
    bad = desk.services.queries.check(
        desk.actor, QueryInput(sources=["Orders"], sql="DELETE FROM orders")
    )
    assert not bad["is_allowed"]
    assert bad["error"]["code"] == "query_denied"


def test_a_plan_instead_of_rows(desk: QueryDesk) -> None:
    view = desk.run("SELECT id FROM orders", explaining=Explaining.PLAN)
    assert view["status"] == "succeeded"
    assert "orders" in view["plan"]["text"]
    assert view["result_id"] is None


def test_queries_leave_a_history(desk: QueryDesk) -> None:
    desk.run("SELECT id FROM orders")
    desk.run("DROP TABLE orders")
    history = desk.services.query_history
    mine = history.list(desk.actor)
    assert [record.status for record in mine] == ["denied", "succeeded"]
    assert history.get(desk.actor, mine[1].query_id).row_count == 3
    assert history.list(desk.admin) == []
    assert len(history.list(desk.admin, everybody=True, source="Orders")) == 2
    assert history.list(desk.admin, everybody=True, slow_only=True) == []
    assert len(history.list(desk.actor, before=mine[0].started_at)) == 1
    assert len(history.list(desk.actor, status=mine[0].status)) == 1
    with pytest.raises(PermissionDenied):
        history.list(desk.actor, everybody=True)
    with pytest.raises(InvalidInput):
        history.list(desk.actor, limit=0)
    stranger = add_tenant(desk.services.engine).actor(Role.OWNER)
    for who, query_id in ((stranger, mine[0].query_id), (desk.actor, "x"), (desk.actor, "f" * 32)):
        with pytest.raises(NotFound):
            history.get(who, query_id)


def test_a_slow_query_is_an_alert(desk: QueryDesk) -> None:
    desk.services.source_setup.change(
        desk.admin, "Orders", SourceChange(settings={"slow_query_seconds": 0})
    )
    desk.run("SELECT id FROM orders")
    (record,) = desk.services.query_history.list(desk.actor, slow_only=True)
    assert "orders" in record.plan
    with UnitOfWork(desk.services.engine) as uow:
        kinds = [event.kind for event in uow.audit_events.list_all(desk.tenant.organization_id)]
    assert "query.slow" in kinds


def test_a_run_of_a_query_is_its_users_alone(desk: QueryDesk) -> None:
    run = desk.submit("SELECT 1 AS a")
    with pytest.raises(NotFound):
        desk.services.runs.view(desk.admin, run.run_id)


def test_a_query_can_be_stopped(desk: QueryDesk) -> None:
    endless = (
        "SELECT count(*) AS n FROM generate_series(1, 100000) AS a(x), generate_series(1, 100000) AS b(y), "
        "generate_series(1, 100000) AS c(z) WHERE hash(x, y, z) = 42"
    )
    queued = desk.submit("SELECT 1 AS a")
    assert desk.services.runs.cancel(desk.actor, queued.run_id).status is RunStatus.CANCELLED
    run = desk.submit(endless)
    working = threading.Thread(target=desk.execution.execute, args=[run.run_id])
    working.start()
    while desk.services.runs.get(desk.actor, run.run_id).status is RunStatus.QUEUED:
        pass
    desk.services.runs.cancel(desk.actor, run.run_id)
    working.join(timeout=20)
    ended = desk.services.runs.get(desk.actor, run.run_id)
    assert ended.status is RunStatus.CANCELLED
    assert ended.kind is RunKind.QUERY


def test_a_time_limit_is_a_failure_with_words(desk: QueryDesk) -> None:
    view = desk.run(
        "SELECT count(*) AS n FROM generate_series(1, 100000) AS a(x), generate_series(1, 100000) AS b(y), "
        "generate_series(1, 100000) AS c(z) WHERE hash(x, y, z) = 42",
        timeout_seconds=0.3,
    )
    assert view["error"]["code"] == "query_timed_out"
    assert desk.services.query_history.list(desk.actor)[0].status == "timed_out"


def _with_attributes(desk: QueryDesk, role: Role, **attributes: str) -> None:
    desk.services.accounts.change_user(
        desk.tenant.actor(Role.OWNER), desk.tenant.users[role].user_id, attributes=attributes
    )
