"""Values of a source: read by its sync, asked for by planners, gone with the source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.db.identifiers import new_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource, SourceStatus
from aiser_app.domain.run import Run, RunKind, RunStatus
from aiser_app.services.catalogs import granted_tables
from aiser_app.services.grants import query_source
from aiser_app.services.policies import PolicyInput
from aiser_app.services.syncing import Syncing
from aiser_app.services.value_indexes import ValueIndexes
from tests.fixtures.organizations import now
from tests.fixtures.query_desk import QueryDesk, make_desk
from tests.integration.services.syncs import Lines

pytestmark = pytest.mark.integration


def synced(desk: QueryDesk, values: ValueIndexes) -> tuple[DataSource, Lines]:
    source = desk.services.sources.get(desk.admin, "Orders")
    run = Run(
        run_id=new_id(), organization_id=source.organization_id, user_id=desk.admin.user_id,
        source_id=source.source_id, kind=RunKind.SYNC, status=RunStatus.RUNNING, attempts=1,
        created_at=now(), deadline_at=now(),
    )  # fmt: skip
    lines = Lines()
    access = desk.services.data.sources
    Syncing(desk.services.engine, access=access, values=values).work(run, CancelToken(), lines)  # type: ignore[arg-type]
    return desk.services.sources.get(desk.admin, "Orders"), lines


def found(
    desk: QueryDesk, values: ValueIndexes, source: DataSource, *phrases: str
) -> list[tuple[str, str]]:
    model = desk.services.models.get(desk.actor, "Orders").model
    with UnitOfWork(desk.services.engine) as uow:
        granted = query_source(uow, desk.actor, source, model)
        assert granted_tables(uow, source)
    index = values.find_index(model, granted)
    assert index is not None
    return [(hit.member, hit.value) for hit in index.find(phrases)]


def test_a_sync_collects_values_that_policies_hide(web_services: Services) -> None:
    desk = make_desk(web_services)
    values = ValueIndexes(web_services.settings.values_dir)
    source, lines = synced(desk, values)
    assert ("index", "4 values", "done") in lines.told
    assert found(desk, values, source, "eu", "PAID") == [
        ("orders.region", "EU"), ("orders.status", "paid"),
    ]  # fmt: skip
    policy = PolicyInput(name="eu", source="Orders", table="orders", condition="region = 'EU'")
    desk.services.policies.create(desk.admin, policy)
    assert found(desk, values, source, "eu", "us", "paid") == []


def test_values_go_with_their_source(web_services: Services) -> None:
    desk = make_desk(web_services)
    values = ValueIndexes(web_services.settings.values_dir)
    source, _ = synced(desk, values)
    file = web_services.settings.values_dir / f"{source.source_id}.sqlite"
    assert file.is_file()
    with UnitOfWork(web_services.engine) as uow:
        uow.data_sources.replace(replace(source, status=SourceStatus.READY))
        uow.commit()
    desk.services.source_setup.delete(desk.admin, "Orders")
    assert not file.exists()
