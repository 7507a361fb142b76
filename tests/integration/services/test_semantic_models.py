"""Models that people edit: checked, versioned, in force over syncs, and never beyond the policies."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.domain.encoding import encode
from aiser_app.domain.model_version import Origin
from aiser_app.domain.policy import MaskKind
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import DimensionRef, Order, SemanticQuery
from aiser_app.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from aiser_app.services.grants import for_agent, query_source
from aiser_app.services.model_cache import ModelCache
from aiser_app.services.policies import PolicyInput
from aiser_app.services.semantic_models import ModelInput, SemanticModels
from aiser_app.stack.model_files import run_model_command
from tests.fixtures.organizations import add_tenant
from tests.fixtures.query_desk import QueryDesk, make_desk

pytestmark = pytest.mark.integration

TABLES = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, region VARCHAR, status VARCHAR, total DECIMAL(9,2))",
    "INSERT INTO orders SELECT i, CASE WHEN i % 3 = 0 THEN 'US' ELSE 'EU' END,"
    " CASE WHEN i % 2 = 0 THEN 'paid' ELSE 'open' END, i * 1.5 FROM range(12) AS t (i)",
    "CREATE TABLE secrets (id INTEGER PRIMARY KEY, word VARCHAR)",
)


@pytest.fixture
def desk(web_services: Services) -> Iterator[QueryDesk]:
    desk = make_desk(web_services, *TABLES)
    desk.sync(desk.services.sources.get(desk.admin, "Orders"))
    return desk


@pytest.fixture
def models(desk: QueryDesk) -> SemanticModels:
    return desk.services.models


def yaml_of(models: SemanticModels, desk: QueryDesk) -> str:
    return models.yaml(desk.admin, "Orders")


def renamed(text: str) -> ModelInput:
    assert "title: Region" in text
    return ModelInput(yaml=text.replace("title: Region", "title: Sales area"))


def title_of(model: SemanticModel) -> str:
    found = model.find_dimension("orders.region")
    assert found is not None
    return found.title


def test_an_edit_is_in_force_until_it_is_taken_back(
    desk: QueryDesk, models: SemanticModels
) -> None:
    before = models.get(desk.actor, "Orders")
    assert (before.edit, before.drift.is_empty) == (None, True)
    saved = models.save(desk.admin, "Orders", renamed(yaml_of(models, desk)), note=" Wording ")
    assert saved.edit is not None
    assert (saved.edit.author_id, saved.edit.note) == (desk.admin.user_id, "Wording")
    assert saved.model.version == saved.edit.version == before.model.version + 1
    assert title_of(saved.model) == "Sales area"
    assert saved.model == models.get(desk.actor, "Orders").model
    # Everybody works with it: suggestions, semantic queries, the agent.
    assert title_of(desk.services.sources.model(desk.actor, "Orders")) == "Sales area"
    with UnitOfWork(desk.services.engine) as uow:
        found = ModelCache().find_latest(uow, desk.tenant.organization_id, saved.source.source_id)
    assert found == saved.model
    back = models.reset(desk.admin, "Orders")
    assert (back.edit, title_of(back.model)) == (None, "Region")
    assert replace(back.model, version=1) == replace(before.model, version=1)
    again = models.restore(desk.admin, "Orders", saved.edit.version)
    assert title_of(again.model) == "Sales area"
    assert again.edit is not None
    assert again.edit.note == f"Version {saved.edit.version} again"
    origins = [item.origin for item in models.versions(desk.actor, "Orders")]
    assert origins[:3] == [Origin.EDITED, Origin.RESET, Origin.EDITED]
    assert set(origins[3:]) == {Origin.INFERRED}


def test_an_edit_survives_syncs_and_tells_what_they_changed(
    desk: QueryDesk, models: SemanticModels
) -> None:
    models.save(desk.admin, "Orders", renamed(yaml_of(models, desk)))
    source = desk.services.sources.get(desk.admin, "Orders")
    path = desk.services.settings.sources_dir / source.options["path"]
    desk.services.data.engine("duckdb").close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE orders DROP COLUMN status")
        connection.execute("ALTER TABLE orders ADD COLUMN channel VARCHAR DEFAULT 'web'")
        connection.execute("DROP TABLE secrets")
        connection.execute("CREATE TABLE returns (id INTEGER PRIMARY KEY)")
        connection.execute("INSERT INTO orders VALUES (100, 'APAC', 1, 'web')")
    desk.sync(source)
    stored = models.get(desk.actor, "Orders")
    assert title_of(stored.model) == "Sales area"
    region = stored.model.find_dimension("orders.region")
    assert region is not None
    assert "APAC" in region.values  # the facts are those of the last sync
    assert (stored.drift.missing_tables, stored.drift.new_tables) == (("secrets",), ("returns",))
    assert stored.drift.missing_columns == ("orders.status",)
    assert stored.drift.new_columns == ("orders.channel",)
    with pytest.raises(InvalidInput, match="There is no table “secrets”") as refused:
        models.save(desk.admin, "Orders", ModelInput(yaml=yaml_of(models, desk)))
    assert refused.value.line is not None
    assert title_of(models.reset(desk.admin, "Orders").model) == "Region"


def test_an_object_is_saved_like_a_file_and_its_facts_are_ignored(
    desk: QueryDesk, models: SemanticModels
) -> None:
    model = models.get(desk.admin, "Orders").model
    cube = model.cubes[0]
    forged = replace(
        model,
        source_id="f" * 32,
        cubes=(replace(cube, title="Deals", row_count=1), *model.cubes[1:]),
    )
    saved = models.save(desk.admin, "Orders", ModelInput(model=forged)).model
    assert saved.source_id == model.source_id
    assert (saved.cubes[0].title, saved.cubes[0].row_count) == ("Deals", 12)


def test_two_people_do_not_overwrite_each_other(desk: QueryDesk, models: SemanticModels) -> None:
    given = renamed(yaml_of(models, desk))
    first = models.save(desk.admin, "Orders", given, based_on=0)
    assert first.edit is not None
    with pytest.raises(Conflict, match="Somebody else"):
        models.save(desk.admin, "Orders", given, based_on=0)
    models.save(desk.admin, "Orders", given, based_on=first.edit.version)


@pytest.mark.parametrize(
    "given",
    [
        ModelInput(),
        ModelInput(yaml="cubes: []", model=SemanticModel(source_id="x", cubes=())),
        ModelInput(model=SemanticModel(source_id="x", cubes=())),
        ModelInput(yaml="cubes: ["),
        ModelInput(yaml="cubes:\n  - {name: a, sql: DELETE FROM orders}"),
        ModelInput(yaml="cubes:\n  - {name: a, sql: SELECT 1 FROM nothing}"),
        ModelInput(yaml="cubes:\n  - {name: a, sql: SELECT * FROM pg_shadow}"),
        ModelInput(yaml="cubes:\n  - {name: a, sql: \"SELECT read_text('/etc/passwd') AS a\"}"),
        ModelInput(yaml="cubes:\n  - name: a\n    sql_table: orders\n    segments:\n"
                   "      - {name: s, sql: \"getenv('HOME') = 'x'\"}"),
    ],
)  # fmt: skip
def test_what_could_not_run_is_not_saved(
    desk: QueryDesk, models: SemanticModels, given: ModelInput
) -> None:
    with pytest.raises(InvalidInput):
        models.save(desk.admin, "Orders", given)
    assert models.get(desk.admin, "Orders").edit is None


def test_what_is_hidden_from_the_agent_does_not_come_back(
    desk: QueryDesk, models: SemanticModels
) -> None:
    text = yaml_of(models, desk)
    source_id = desk.services.sources.get(desk.admin, "Orders").source_id
    with UnitOfWork(desk.services.engine) as uow:
        assert uow.source_tables.set_hidden(source_id, "secrets", hidden=True)
        uow.commit()
    checked = models.check(desk.actor, "Orders", ModelInput(yaml=text))
    assert [(item.where, item.line is not None) for item in checked.errors] == [("secrets", True)]
    made = "cubes:\n  - {name: a, sql: SELECT word FROM secrets}"
    assert (
        "hidden from the agent"
        in models.check(desk.actor, "Orders", ModelInput(yaml=made)).errors[0].message
    )


def test_the_agent_may_read_what_a_cube_of_sql_reads(
    desk: QueryDesk, models: SemanticModels
) -> None:
    text = "cubes:\n  - name: paid\n    sql: SELECT o.id FROM orders o WHERE o.status = 'paid'\n"
    text += "    dimensions:\n      - {name: id, sql: id, type: number, primary_key: true}\n"
    saved = models.save(desk.admin, "Orders", ModelInput(yaml=text))
    assert saved.model.cubes[0].reads == ("orders",)
    with UnitOfWork(desk.services.engine) as uow:
        granted = query_source(uow, desk.actor, saved.source, saved.model)
    assert set(for_agent(granted, saved.model).tables) == {"orders"}


def test_policies_hold_for_edited_models(desk: QueryDesk, models: SemanticModels) -> None:
    text = yaml_of(models, desk).replace(
        "  - name: status\n",
        "  - name: status\n    meta: {aiser: {values: {paid: Paid, open: Open}}}\n",
        1,
    )
    text = text.replace("    meta:\n      aiser:\n        key: false\n", "")
    models.save(desk.admin, "Orders", ModelInput(yaml=text))
    policies = desk.services.policies
    mask = PolicyInput(
        name="m", source="Orders", table="orders", column="status", mask=MaskKind.NULL
    )
    policies.create(desk.admin, mask)
    status = models.get(desk.actor, "Orders").model.find_dimension("orders.status")
    region = models.get(desk.actor, "Orders").model.find_dimension("orders.region")
    assert status is not None
    assert region is not None
    assert (status.values, status.value_titles, region.values) == ((), (), ("EU", "US"))
    assert "paid" not in models.yaml(desk.actor, "Orders")
    # Who makes the policies does not lose what was written; measured values stay hidden.
    kept = models.get(desk.admin, "Orders").model.find_dimension("orders.status")
    assert kept is not None
    assert (kept.values, dict(kept.value_titles)) == ((), {"paid": "Paid", "open": "Open"})
    policies.create(
        desk.admin,
        PolicyInput(name="r", source="Orders", table="orders", condition="region = 'EU'"),
    )
    seen = models.get(desk.actor, "Orders").model.cubes[0]
    assert seen.row_count == 0
    assert not any(item.values or item.minimum for item in seen.dimensions)


def test_who_may_do_what(desk: QueryDesk, models: SemanticModels) -> None:
    text = ModelInput(yaml=yaml_of(models, desk))
    viewer = desk.tenant.actor(Role.VIEWER)
    assert models.get(viewer, "Orders").model.cubes
    assert not models.check(viewer, "Orders", text).errors
    for change in (
        lambda actor: models.save(actor, "Orders", text),
        lambda actor: models.reset(actor, "Orders"),
        lambda actor: models.restore(actor, "Orders", 1),
    ):
        with pytest.raises(PermissionDenied):
            change(desk.actor)
    source_id = desk.services.sources.get(desk.admin, "Orders").source_id
    stranger = add_tenant(desk.services.engine).actor(Role.OWNER)
    with pytest.raises(NotFound):
        models.get(stranger, source_id)
    with pytest.raises(NotFound):
        models.save(stranger, source_id, text)


def test_what_is_not_there(desk: QueryDesk, models: SemanticModels) -> None:
    for version in (0, 99):
        with pytest.raises(NotFound, match="no version"):
            models.restore(desk.admin, "Orders", version)
    with pytest.raises(InvalidInput, match="at most 400"):
        models.save(desk.admin, "Orders", ModelInput(yaml=yaml_of(models, desk)), note="x" * 401)
    empty = desk.add_file("Empty")
    with pytest.raises(NotFound, match="no semantic model yet"):
        models.get(desk.admin, empty.name)


def command(
    desk: QueryDesk, action: str, file: Path | str, *, as_json: bool = False
) -> tuple[int, str]:
    said: list[str] = []
    options = argparse.Namespace(
        action=action, source="Orders", file=str(file), note="by file", json=as_json
    )
    status = run_model_command(desk.services.models, desk.admin, options, said.append)
    return status, "\n".join(said)


def test_files_go_out_and_come_in(
    desk: QueryDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "orders.yml"
    assert command(desk, "export", file) == (0, f"Written to {file}.")
    assert json.loads(command(desk, "export", file, as_json=True)[1])["file"] == str(file)
    assert command(desk, "export", "-")[1] == file.read_text().rstrip()
    assert command(desk, "check", file) == (0, "2 cubes, no errors.")
    status, said = command(desk, "import", file)
    assert (status, said.startswith("Version ")) == (0, True)
    done: dict[str, Any] = json.loads(command(desk, "import", file, as_json=True)[1])
    assert (done["is_usable"], done["problems"]) == (True, [])
    file.write_text("cubes:\n  - name: a\n    sql_table: nothing\n")
    status, said = command(desk, "import", file)
    assert (status, said) == (1, f"{file}:2: error: a: There is no table “nothing”.")
    with file.open() as opened:
        monkeypatch.setattr("sys.stdin", opened)
        assert command(desk, "check", "-")[0] == 1
    with pytest.raises(InvalidInput, match="cannot be read"):
        command(desk, "check", tmp_path / "none.yml")
    with pytest.raises(InvalidInput, match="cannot be written"):
        command(desk, "export", tmp_path / "none" / "x.yml")


def test_a_source_that_is_gone_meanwhile_is_not_written(
    desk: QueryDesk, models: SemanticModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = renamed(yaml_of(models, desk))
    monkeypatch.setattr(
        "aiser_app.db.repositories.data_sources.DataSourceRepository.lock", lambda *_: None
    )
    with pytest.raises(NotFound, match="was removed"):
        models.save(desk.admin, "Orders", given)


def test_models_are_json(desk: QueryDesk, models: SemanticModels) -> None:
    assert json.dumps(encode(models.get(desk.admin, "Orders").model))


WRITTEN = """
cubes:
  - name: sales
    sql_table: orders
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - name: kind
        type: string
        case:
          when: [{sql: "{CUBE}.status = 'paid'", label: done}]
          else: {label: waiting}
    measures:
      - {name: count, type: count}
      - {name: revenue, sql: total, type: sum, filters: [{sql: "{kind} = 'done'"}]}
      - {name: basket, sql: "{revenue} / NULLIF({count}, 0)", type: number}
    segments:
      - {name: european, sql: "{CUBE}.region = 'EU'"}
"""


def test_what_people_write_is_what_is_asked(desk: QueryDesk, models: SemanticModels) -> None:
    pytest.importorskip("aiser_app.semantic.rows", reason="needs the compiler of SQL in models")
    models.save(desk.admin, "Orders", ModelInput(yaml=WRITTEN))
    query = SemanticQuery(
        measures=("sales.count", "sales.revenue", "sales.basket"),
        dimensions=(DimensionRef(member="sales.kind"),),
        segments=("sales.european",),
        order=(Order(member="sales.kind"),),
    )
    rows = desk.run(semantic_query=query)["rows"]
    assert [(row[0], row[1]) for row in rows] == [("done", 4), ("waiting", 4)]
    assert [float(row[2] or 0) for row in rows] == [2 * 1.5 + 4 * 1.5 + 8 * 1.5 + 10 * 1.5, 0]
    assert float(rows[0][3]) == 9.0
