"""Sources and their models; the sample is real data, read through the locked engine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from aiser_app.bootstrap.web import Services, build_services
from aiser_app.db.engine import open_unpooled
from aiser_app.db.migrations import upgrade_to_head
from aiser_app.domain.actor import Role
from aiser_app.domain.catalog import Catalog, TableProfile
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.errors import EngineUnavailable, NotFound
from aiser_app.services.sources import SampleSource, Sources
from tests.fixtures.organizations import PASSWORD, Tenant, orders_model

pytestmark = pytest.mark.integration


@pytest.fixture
def fresh_services(fresh_database_url: str, web_services: Services) -> Iterator[Services]:
    upgrade_to_head(fresh_database_url)
    settings = web_services.settings.model_copy(update={"database_url": fresh_database_url})
    services = build_services(settings)
    yield services
    services.close()


def test_setup_brings_the_sample(fresh_services: Services) -> None:
    accounts, sources = fresh_services.accounts, fresh_services.sources
    actor = accounts.set_up(
        token=None,
        organization_name="O",
        name="Ada",
        email="ada@example.com",
        password=PASSWORD,
        client="test",
    ).actor
    (source,) = sources.list(actor)
    assert sources.default(actor) == source
    assert source.table_count == 5
    assert source.row_count > 336_776
    model = sources.model(actor, source.source_id)
    assert model.source_id == source.source_id
    assert {"flights", "airlines"} <= {cube.name for cube in model.cubes}
    assert len(sources.suggested_questions(actor, source.source_id)) >= 3
    again = sources.add_sample(actor.organization_id)
    assert again is not None
    assert again.source_id == source.source_id
    assert len(sources.list(actor)) == 1
    assert sources.model(actor, source.source_id).version == 1  # it says the same
    tables, count = sources.tables(actor, source.source_id, search="air")
    assert [item.table.name for item in tables] == ["airlines", "airports"]
    assert count == 2
    flights = sources.table(actor, source.source_id, "flights")
    assert flights.table.row_count == 336_776
    assert len(flights.table.columns) == 19


def test_suggestions_are_found_once_per_version_of_a_model(
    fresh_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts, sources = fresh_services.accounts, fresh_services.sources
    actor = accounts.set_up(
        token=None,
        organization_name="O",
        name="Ada",
        email="ada@example.com",
        password=PASSWORD,
        client="test",
    ).actor
    (source,) = sources.list(actor)
    versions: list[int] = []

    def suggest(model: SemanticModel) -> list[str]:
        versions.append(model.version)
        return [f"How many of version {model.version}?"]

    monkeypatch.setattr("aiser_app.services.sources.suggest_questions", suggest)
    with ThreadPoolExecutor(8) as people:
        opened = [
            people.submit(sources.suggested_questions, actor, source.source_id) for _ in range(16)
        ]
        assert {one.result() for one in opened} == {("How many of version 1?",)}
    model = sources.model(actor, source.source_id)
    changed = replace(model, cubes=model.cubes[:1])
    sources.register(source, changed, Catalog(source_id=source.source_id, tables=()))
    assert sources.suggested_questions(actor, source.source_id) == ("How many of version 2?",)
    assert versions == [1, 2]


def test_setup_works_without_the_sample(fresh_database_url: str, web_services: Services) -> None:
    def breaks(_organization_id: str) -> SampleSource:
        raise EngineUnavailable("The sample data is not installed.")

    engine = open_unpooled(fresh_database_url)
    assert Sources(engine, breaks).prepare_sample("0" * 32) is None
    assert Sources(engine, breaks).add_sample("0" * 32) is None
    assert Sources(engine).add_sample("0" * 32) is None


def test_sources_of_others_do_not_exist(
    web_services: Services, tenant: Tenant, stranger_tenant: Tenant
) -> None:
    actor = stranger_tenant.actor()
    own = web_services.sources.get(actor, tenant.source.name)
    assert own.organization_id == stranger_tenant.organization_id
    for name_or_id in (tenant.source.source_id, "nothing", "", "\x00", "x" * 300):
        with pytest.raises(NotFound):
            web_services.sources.get(actor, name_or_id)
        with pytest.raises(NotFound):
            web_services.sources.model(actor, name_or_id)


def test_a_source_without_a_model(web_services: Services, tenant: Tenant) -> None:
    actor = tenant.actor(Role.ADMIN)
    source = replace(tenant.source, source_id="f" * 31 + "0", name="Registered")
    catalog = Catalog(
        source_id=source.source_id,
        tables=(TableProfile(name="orders", row_count=7, columns=()),),
    )
    model = orders_model(source.source_id)
    registered = web_services.sources.register(source, model, catalog)
    assert (registered.source_id, registered.name) == (source.source_id, source.name)
    assert registered.data_version
    renewed = replace(source, source_id="e" * 32)
    again = web_services.sources.register(renewed, orders_model("x"), catalog)
    assert again.source_id == source.source_id
    assert again.data_version != registered.data_version
    assert web_services.sources.get(actor, "Registered").row_count == 7
    assert web_services.sources.model(actor, source.source_id).version == 1
