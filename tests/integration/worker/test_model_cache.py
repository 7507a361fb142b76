"""The same model object comes back until there is a newer version of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.services.model_cache import ModelCache
from tests.fixtures.organizations import Tenant, add_tenant, now, orders_model

pytestmark = pytest.mark.integration


def latest(engine: Engine, cache: ModelCache, tenant: Tenant) -> SemanticModel:
    with UnitOfWork(engine) as uow:
        found = cache.find_latest(uow, tenant.organization_id, tenant.source.source_id)
    assert found is not None
    return found


def add_version(engine: Engine, tenant: Tenant, version: int) -> None:
    model = replace(orders_model(tenant.source.source_id), version=version)
    with UnitOfWork(engine) as uow:
        uow.semantic_models.add(tenant.organization_id, model, now())
        uow.commit()


def test_a_model_is_read_once_per_version(engine: Engine) -> None:
    cache, tenant = ModelCache(), add_tenant(engine)
    first = latest(engine, cache, tenant)
    assert latest(engine, cache, tenant) is first
    add_version(engine, tenant, 2)
    second = latest(engine, cache, tenant)
    assert second.version == 2
    assert latest(engine, cache, tenant) is second


def test_organizations_do_not_share_models(engine: Engine) -> None:
    cache, ours, theirs = ModelCache(), add_tenant(engine), add_tenant(engine)
    assert latest(engine, cache, ours).source_id == ours.source.source_id
    assert latest(engine, cache, theirs).source_id == theirs.source.source_id
    with UnitOfWork(engine) as uow:
        foreign = cache.find_latest(uow, theirs.organization_id, ours.source.source_id)
    assert foreign is None


def test_the_least_used_model_goes_first(engine: Engine) -> None:
    cache, one, other = ModelCache(kept=1), add_tenant(engine), add_tenant(engine)
    first = latest(engine, cache, one)
    latest(engine, cache, other)
    assert latest(engine, cache, one) is not first
