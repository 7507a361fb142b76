"""Semantic models over REST."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Role
from tests.fixtures.query_desk import QueryDesk, make_desk
from tests.fixtures.web import Person, sign_in

pytestmark = pytest.mark.integration


@pytest.fixture
def desk(web_services: Services) -> Iterator[QueryDesk]:
    desk = make_desk(web_services)
    desk.sync(desk.services.sources.get(desk.admin, "Orders"))
    return desk


@pytest.fixture
def admin(web_services: Services, client: TestClient, desk: QueryDesk) -> Person:
    return sign_in(web_services, client, desk.tenant, Role.ADMIN)


@pytest.fixture
def viewer(web_services: Services, client: TestClient, desk: QueryDesk) -> Person:
    return sign_in(web_services, client, desk.tenant, Role.VIEWER)


def test_a_model_over_rest(admin: Person, viewer: Person) -> None:
    read = viewer.get("/models/Orders").json()
    assert (read["edit"], read["source_name"]) == (None, "Orders")
    assert read["drift"] == {
        "missing_tables": [], "missing_columns": [], "new_tables": [], "new_columns": [],
    }  # fmt: skip
    model = read["model"]
    model["cubes"][0]["title"] = "Deals"
    saved = admin.request(
        "PUT", "/models/Orders", json={"model": model, "note": "n", "based_on": 0}
    )
    assert saved.status_code == 200
    edit = saved.json()["edit"]
    assert (edit["origin"], edit["note"]) == ("edited", "n")
    again = admin.request("PUT", "/models/Orders", json={"model": model, "based_on": 0})
    assert again.status_code == 409
    text = viewer.get("/models/Orders/yaml").json()
    assert "title: Deals" in text["yaml"]
    changed = text["yaml"].replace("title: Deals", "title: Sales")
    saved = admin.request("PUT", "/models/Orders/yaml", json={"yaml": changed})
    assert saved.json()["model"]["cubes"][0]["title"] == "Sales"
    versions = viewer.get("/models/Orders/versions").json()["versions"]
    assert [item["origin"] for item in versions][:2] == ["edited", "edited"]
    restored = admin.post(f"/models/Orders/versions/{edit['version']}/restore")
    assert restored.json()["model"]["cubes"][0]["title"] == "Deals"
    assert admin.post("/models/Orders/versions/99/restore").status_code == 404
    back = admin.request("DELETE", "/models/Orders")
    assert back.json()["edit"] is None


def test_what_is_wrong_is_told_with_lines(admin: Person, viewer: Person) -> None:
    bad = "cubes:\n  - name: orders\n    sql_table: orders\n    measures:\n      - {name: m, type: sum}"
    found = viewer.post("/models/Orders/check", json={"yaml": bad}).json()
    assert not found["is_usable"]
    assert found["problems"][0]["line"] == 5
    assert found["problems"][0]["where"] == "orders.m"
    refused = admin.request("PUT", "/models/Orders/yaml", json={"yaml": bad})
    assert refused.status_code == 422
    assert refused.json()["error"]["line"] == 5
    model = viewer.get("/models/Orders").json()["model"]
    fine = viewer.post("/models/Orders/check", json={"model": model}).json()
    assert fine == {"is_usable": True, "problems": []}
    assert viewer.post("/models/Orders/check", json={"model": {"cubes": 1}}).status_code == 422
    assert viewer.post("/models/Orders/check", json={}).status_code == 422


def test_only_who_manages_sources_changes_models(viewer: Person) -> None:
    for method, path, body in (
        ("PUT", "/models/Orders", {"model": {}}),
        ("PUT", "/models/Orders/yaml", {"yaml": "cubes: []"}),
        ("DELETE", "/models/Orders", None),
        ("POST", "/models/Orders/versions/1/restore", None),
    ):
        assert viewer.request(method, path, json=body).status_code in (403, 422)
    assert viewer.get("/models/Nothing").status_code == 404
