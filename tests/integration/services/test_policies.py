"""Policies are checked when they are written, and belong to one organization."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Role
from aiser_app.domain.data_policy import PolicyKind
from aiser_app.domain.policy import MaskKind
from aiser_app.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from aiser_app.services import policies as policies_module
from aiser_app.services.policies import PolicyInput
from tests.fixtures.organizations import add_tenant
from tests.fixtures.query_desk import QueryDesk, make_desk

pytestmark = pytest.mark.integration


@pytest.fixture
def desk(web_services: Services) -> Iterator[QueryDesk]:
    return make_desk(web_services)


def a_policy(**changes: object) -> PolicyInput:
    given = {"name": "own", "source": "Orders", "table": "orders", "condition": "region = 'EU'"}
    return PolicyInput(**{**given, **changes})


def test_a_policy_lives_and_dies(desk: QueryDesk) -> None:
    policies = desk.services.policies
    made = policies.create(desk.admin, a_policy(exempt_roles=[Role.OWNER, Role.OWNER]))
    assert (made.kind, made.exempt_roles) == (PolicyKind.ROW, (Role.OWNER,))
    assert policies.list(desk.admin, "Orders") == [made]
    assert policies.list(desk.admin) == [made]
    assert desk.run("SELECT count(*) AS n FROM orders")["rows"] == [[2]]
    changed = policies.replace(
        desk.admin,
        made.policy_id,
        a_policy(condition="", column="region", mask=MaskKind.CONSTANT, name="masked"),
    )
    assert (changed.policy_id, changed.kind) == (made.policy_id, PolicyKind.MASK)
    assert desk.run("SELECT DISTINCT region FROM orders")["rows"] == [["***"]]
    policies.delete(desk.admin, made.policy_id)
    assert policies.list(desk.admin) == []
    assert desk.run("SELECT count(*) AS n FROM orders")["rows"] == [[3]]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"table": "nope"},
        {"condition": ""},
        {"condition": "region = 'EU'", "column": "region", "mask": MaskKind.NULL},
        {"condition": "nope = 1"},
        {"condition": "region = 'EU'; DROP TABLE orders"},
        {"condition": "region IN (SELECT region FROM orders)"},
        {"condition": "region ="},
        {"condition": "x" * 5_000},
        {"condition": "", "column": "nope", "mask": MaskKind.NULL},
        {"condition": "", "column": "region"},
    ],
)
def test_what_could_not_be_applied_is_refused(desk: QueryDesk, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        desk.services.policies.create(desk.admin, a_policy(**changes))
    assert desk.services.policies.list(desk.admin) == []


def test_names_are_unique_within_a_source(desk: QueryDesk) -> None:
    policies = desk.services.policies
    policies.create(desk.admin, a_policy())
    other = policies.create(desk.admin, a_policy(name="other"))
    with pytest.raises(Conflict):
        policies.create(desk.admin, a_policy())
    with pytest.raises(Conflict):
        policies.replace(desk.admin, other.policy_id, a_policy())


def test_there_are_only_so_many(desk: QueryDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies_module, "MAX_POLICIES", 1)
    desk.services.policies.create(desk.admin, a_policy())
    with pytest.raises(InvalidInput):
        desk.services.policies.create(desk.admin, a_policy(name="other"))


def test_policies_of_others_do_not_exist(desk: QueryDesk) -> None:
    policies = desk.services.policies
    made = policies.create(desk.admin, a_policy())
    stranger = add_tenant(desk.services.engine).actor(Role.OWNER)
    for policy_id in (made.policy_id, "x"):
        with pytest.raises(NotFound):
            policies.delete(stranger, policy_id)
        with pytest.raises(NotFound):
            policies.replace(stranger, policy_id, a_policy())
    with pytest.raises(NotFound):
        policies.list(stranger, desk.tenant.source.source_id)
    assert policies.list(stranger) == []
    with pytest.raises(PermissionDenied):
        policies.list(desk.actor)


def test_attributes_decide_over_rows_and_are_checked(desk: QueryDesk) -> None:
    accounts, owner = desk.services.accounts, desk.tenant.actor(Role.OWNER)
    user_id = desk.tenant.users[Role.ANALYST].user_id
    changed = accounts.change_user(owner, user_id, attributes={"region": "EU"})
    assert changed.attributes == {"region": "EU"}
    kept = accounts.change_user(owner, user_id, is_active=True)
    assert kept.attributes == {"region": "EU"}
    for wrong in (
        {"1": "x"},
        {"a b": "x"},
        {"a": "x" * 500},
        {"a": "\x00"},
        {f"a{n}": "x" for n in range(60)},
    ):
        with pytest.raises(InvalidInput):
            accounts.change_user(owner, user_id, attributes=wrong)
