"""A Cube is attached to a source, its model read, its answers used, and let go of; over REST too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from aiser_app.bootstrap.web import Services
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.domain.data_source import CUBE_SECRET, DataSource
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import DimensionRef, SemanticQuery
from aiser_app.errors import Conflict, InvalidInput, PermissionDenied
from aiser_app.services.policies import PolicyInput
from aiser_app.services.source_setup import SourceChange
from tests.fixtures.cube import RunningCube
from tests.fixtures.query_desk import QueryDesk, make_desk
from tests.fixtures.web import Person, sign_in

pytestmark = pytest.mark.integration
BY_KIND = SemanticQuery(measures=("items.count",), dimensions=(DimensionRef(member="items.kind"),))
RUNNING = SemanticQuery(measures=("items.running",))
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def desk(web_services: Services, real_cube: RunningCube) -> Iterator[QueryDesk]:
    """With a source “Items”, synced, without a Cube as yet."""
    made = make_desk(web_services)
    _, run = web_services.source_setup.create(
        made.admin, name="Items", change=SourceChange(url=real_cube.database_url)
    )
    made.execution.execute(run.run_id)
    yield made
    web_services.source_setup.delete(made.admin, "Items")


def attach(desk: QueryDesk, url: str, secret: str) -> str:
    """Returns what the sync's step about Cube says."""
    run = desk.services.cube_setup.attach(desk.admin, "Items", url=url, secret=secret)
    assert run is not None
    desk.execution.execute(run.run_id)
    view = desk.services.runs.view(desk.admin, run.run_id)
    assert view["status"] == "succeeded", view
    lines = [line for line in view["progress"] if line.get("title") == "Read Cube's model"]
    return str(lines[-1]["detail"])


def source_of(desk: QueryDesk) -> DataSource:
    return desk.services.sources.get(desk.admin, "Items")


def model_of(desk: QueryDesk) -> SemanticModel:
    return desk.services.sources.model(desk.admin, source_of(desk).source_id)


def ask(desk: QueryDesk, query: SemanticQuery = BY_KIND, **given: object) -> dict:
    return desk.run(semantic_query=query, sources=["Items"], **given)


def test_from_attaching_to_letting_go(desk: QueryDesk, real_cube: RunningCube) -> None:
    assert ask(desk, SemanticQuery(measures=("items.count",)))["route"] == "direct"
    told = attach(desk, real_cube.url, real_cube.secret)
    assert (
        told
        == "4 cubes, 2 members that only Cube can compute, 1 left out: hidden, or a view that repeats others"
    )
    assert {cube.name for cube in model_of(desk).cubes} == {"items", "shops", "pairs", "payroll"}
    view = ask(desk)
    assert (view["route"], view["engine"], view["row_count"], view["notes"]) == (
        "cube",
        "cube",
        5,
        [],
    )
    assert "Cube answered" in view["why"]
    again = ask(desk)
    assert (again["from_cache"], again["route"]) == (True, "cube")
    assert ask(desk, RUNNING)["route"] == "cube"
    run = desk.services.cube_setup.detach(desk.admin, "Items")
    assert run is not None
    assert ask(desk, bypass_cache=True)["route"] == "direct"
    refused = ask(desk, RUNNING)
    assert (refused["status"], "Only Cube" in refused["error"]["message"]) == ("failed", True)
    desk.execution.execute(run.run_id)
    assert "pairs" not in {cube.name for cube in model_of(desk).cubes}
    with pytest.raises(Conflict):
        desk.services.cube_setup.detach(desk.admin, "Items")
    with pytest.raises(Conflict):
        desk.services.cube_setup.test(desk.admin, "Items")
    with UnitOfWork(desk.services.engine) as uow:
        events = uow.audit_events.list_all(desk.admin.organization_id)
    assert {"source.cube_attached", "source.cube_detached"} <= {event.kind for event in events}
    assert real_cube.secret not in str(events)


def test_a_cube_that_goes_down_later(desk: QueryDesk, real_cube: RunningCube) -> None:
    attach(desk, real_cube.url, real_cube.secret)
    before = model_of(desk)
    told = attach(desk, NOWHERE, "secret")
    assert told == "Cube does not answer. The model stays as it was."
    assert model_of(desk) == before
    view = ask(desk)
    assert (view["route"], view["status"], view["row_count"]) == ("direct", "succeeded", 5)
    assert "Cube does not answer." in view["why"]
    [note] = view["notes"]
    assert "Aiser's own compiler" in note


def test_what_is_hidden_meanwhile_leaves_the_model(desk: QueryDesk, real_cube: RunningCube) -> None:
    attach(desk, real_cube.url, real_cube.secret)
    source = source_of(desk)
    with UnitOfWork(desk.services.engine) as uow:
        uow.source_tables.set_hidden(source.source_id, "payroll", hidden=True)
        uow.commit()
    attach(desk, NOWHERE, "secret")
    assert {cube.name for cube in model_of(desk).cubes} == {"items", "shops"}
    attach(desk, real_cube.url, real_cube.secret)
    assert {cube.name for cube in model_of(desk).cubes} == {"items", "shops", "pairs"}


def test_policies_hold(desk: QueryDesk, real_cube: RunningCube) -> None:
    attach(desk, real_cube.url, real_cube.secret)
    given = PolicyInput(name="tea", source="Items", table="items", condition="kind = 'tea'")
    desk.services.policies.create(desk.admin, given)
    view = ask(desk)
    assert (view["route"], view["rows"], view["policies"]) == ("direct", [["tea", 400]], ["tea"])
    assert "does not know the data policies" in view["why"]


def test_a_secret_is_kept_as_one(desk: QueryDesk, real_cube: RunningCube) -> None:
    attach(desk, real_cube.url, real_cube.secret)
    source = source_of(desk)
    assert real_cube.secret not in repr(source.options)
    sealed = source.options[CUBE_SECRET]
    desk.services.key_rotation.rotate()
    assert source_of(desk).options[CUBE_SECRET] != sealed
    assert desk.services.cube_setup.test(desk.admin, "Items").is_ok
    changed = desk.services.source_setup.change(
        desk.admin, "Items", SourceChange(url=real_cube.database_url)
    )
    assert changed.cube_url == source.cube_url


def test_who_may_and_what_may_be_given(desk: QueryDesk, real_cube: RunningCube) -> None:
    setup = desk.services.cube_setup
    for call in (
        lambda: setup.attach(desk.actor, "Items", url=real_cube.url, secret="x"),
        lambda: setup.detach(desk.actor, "Items"),
        lambda: setup.test(desk.actor, "Items"),
    ):
        with pytest.raises(PermissionDenied):
            call()
    with pytest.raises(InvalidInput):
        setup.attach(desk.admin, "Items", url="ftp://x", secret="x")
    with pytest.raises(InvalidInput):
        setup.test(desk.admin, "Items", url=real_cube.url)
    wrong = setup.test(desk.admin, "Items", url=real_cube.url, secret="wrong")
    assert (wrong.is_ok, source_of(desk).cube_url) == (False, "")
    assert setup.test(desk.admin, "Items", url=real_cube.url, secret=real_cube.secret).is_ok


def test_a_sync_that_is_under_way_has_to_be_repeated(
    desk: QueryDesk, real_cube: RunningCube
) -> None:
    running = desk.services.source_setup.sync(desk.admin, "Items")
    setup = desk.services.cube_setup
    assert setup.attach(desk.admin, "Items", url=real_cube.url, secret=real_cube.secret) is None
    desk.execution.execute(running.run_id)


def test_over_rest(desk: QueryDesk, real_cube: RunningCube, client: TestClient) -> None:
    admin = sign_in(desk.services, client, desk.tenant, Role.ADMIN)
    analyst = sign_in(desk.services, client, desk.tenant, Role.ANALYST)
    given = {"url": real_cube.url, "secret": real_cube.secret}
    tried = admin.post("/sources/Items/cube/test", json=given)
    assert (tried.status_code, tried.json()["is_ok"]) == (200, True)
    assert analyst.request("PUT", "/sources/Items/cube", json=given).status_code == 403
    attached = admin.request("PUT", "/sources/Items/cube", json=given)
    assert attached.status_code == 202
    assert attached.json()["cube_url"].endswith("/cubejs-api/v1")
    desk.execution.execute(attached.json()["run_id"])
    assert shown(admin) == attached.json()["cube_url"]
    assert shown(analyst) == ""
    assert real_cube.secret not in admin.get("/sources/Items").text
    ran = analyst.post(
        "/queries",
        json={"source": "Items", "semantic_query": {"measures": ["items.count"]}, "wait": 0},
    )
    desk.execution.execute(ran.json()["run_id"])
    view = analyst.get(f"/runs/{ran.json()['run_id']}").json()
    assert (view["route"], view["rows"], view["notes"]) == ("cube", [[2000]], [])
    detached = admin.request("DELETE", "/sources/Items/cube")
    assert (detached.status_code, detached.json()["cube_url"]) == (202, "")
    assert admin.request("DELETE", "/sources/Items/cube").status_code == 409
    assert admin.request("PUT", "/sources/Items/cube", json={"url": "x"}).status_code == 422


def shown(person: Person) -> str:
    return str(person.get("/sources/Items").json()["cube_url"])


def test_a_source_that_is_deleted_forgets_the_secret(
    web_services: Services, real_cube: RunningCube
) -> None:
    desk = make_desk(web_services)
    source = desk.tenant.source
    options = web_services.data.cube.attached(source, real_cube.url, "canary")
    with UnitOfWork(web_services.engine) as uow:
        uow.data_sources.replace(replace(source, options={**options, "path": ""}))
        uow.commit()
    web_services.source_setup.delete(desk.admin, source.source_id)
    with UnitOfWork(web_services.engine) as uow:
        assert source.source_id not in dict(uow.data_sources.list_cube_secrets())
