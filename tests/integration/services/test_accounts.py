"""Who comes in, who stays out, and what ends a session or a key."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.db.engine import open_engine
from aiser_app.db.migrations import upgrade_to_head
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.errors import (
    AiserError,
    Conflict,
    InvalidInput,
    NotFound,
    PermissionDenied,
    SignInRefused,
    TooManyAttempts,
)
from aiser_app.services.accounts import Accounts
from aiser_app.services.accounts.context import AccountContext
from aiser_app.services.secret_text import hash_token
from aiser_app.services.sources import Sources
from tests.fixtures.organizations import PASSWORD, Tenant, add_tenant

pytestmark = pytest.mark.integration


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time_passed: float) -> None:
        self.now += timedelta(**time_passed)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def accounts_on(url: str, services: Services, clock: Clock) -> Accounts:
    """A web process of its own: nothing is cached from earlier."""
    engine = open_engine(url)
    return Accounts(
        AccountContext(
            engine=engine,
            throttle=services.throttle,
            sources=Sources(engine),
            session_lifetime=timedelta(hours=1),
            now=clock,
        )
    )


@pytest.fixture
def accounts(
    migrated_database_url: str, web_services: Services, clock: Clock
) -> Iterator[Accounts]:
    accounts = accounts_on(migrated_database_url, web_services, clock)
    yield accounts
    accounts._context.engine.dispose()


@pytest.fixture
def fresh(fresh_database_url: str, web_services: Services, clock: Clock) -> Iterator[Accounts]:
    upgrade_to_head(fresh_database_url)
    accounts = accounts_on(fresh_database_url, web_services, clock)
    yield accounts
    accounts._context.engine.dispose()


OWNER = {
    "organization_name": "Analytical Engines",
    "name": "Ada Lovelace",
    "email": "Ada@Example.com ",
    "password": PASSWORD,
}


# Setup


def test_setup_makes_one_owner_who_is_signed_in(fresh: Accounts, fresh_database_url: str) -> None:
    token = fresh.issue_setup_token()
    assert token is not None
    assert [len(part) for part in token.split("-")] == [4, 4, 4, 4]
    signed_in = fresh.set_up(token=token.lower(), client="a", **OWNER)
    assert signed_in.actor.role is Role.OWNER
    assert signed_in.actor.email == "ada@example.com"
    assert fresh.find_actor_by_session(signed_in.session_token) == signed_in.actor
    assert fresh.is_set_up()
    assert fresh.issue_setup_token() is None
    for again in (token, None, "AAAA-AAAA-AAAA-AAAA"):
        with pytest.raises(PermissionDenied, match="set up already"):
            fresh.set_up(token=again, client="a", **OWNER)
    with pytest.raises(PermissionDenied, match="set up already"):
        fresh.check_setup_token(token, "a")
    with psycopg.connect(fresh_database_url) as connection:
        everything = str(
            connection.execute("SELECT u::text, s::text FROM users u, sessions s").fetchall()
        )
        assert connection.execute("SELECT count(*) FROM setup_tokens").fetchone() == (0,)
    assert PASSWORD not in everything
    assert signed_in.session_token not in everything


def test_the_setup_token_is_kept_as_a_hash_only(fresh: Accounts, fresh_database_url: str) -> None:
    token = fresh.issue_setup_token()
    assert token is not None
    with psycopg.connect(fresh_database_url) as connection:
        stored = str(connection.execute("SELECT * FROM setup_tokens").fetchall())
    assert token not in stored
    assert token.replace("-", "") not in stored


def test_only_the_newest_setup_token_counts_and_for_half_an_hour(
    fresh: Accounts, clock: Clock
) -> None:
    first = fresh.issue_setup_token()
    second = fresh.issue_setup_token()
    assert first is not None
    assert second is not None
    with pytest.raises(PermissionDenied, match="not valid"):
        fresh.check_setup_token(first, "newest")
    fresh.check_setup_token(second, "newest")
    clock.pass_by(minutes=31)
    with pytest.raises(PermissionDenied, match="not valid"):
        fresh.set_up(token=second, client="newest", **OWNER)
    assert not fresh.is_set_up()


def test_five_wrong_setup_tokens_lock_even_the_right_one(fresh: Accounts) -> None:
    token = fresh.issue_setup_token()
    assert token is not None
    for _ in range(5):
        with pytest.raises(PermissionDenied):
            fresh.check_setup_token("WRONG-TOKEN", "lock-setup")
    with pytest.raises(TooManyAttempts) as caught:
        fresh.check_setup_token(token, "lock-setup")
    assert caught.value.hint == "Try again in 15 minutes."
    fresh.check_setup_token(token, "another-client")


def test_setups_at_the_same_time_make_one_owner(fresh: Accounts, fresh_database_url: str) -> None:
    token = fresh.issue_setup_token()

    def attempt(number: int) -> bool:
        owner = {**OWNER, "email": f"ada{number}@example.com"}
        try:
            fresh.set_up(token=token, client=f"race-{number}", **owner)
        except PermissionDenied:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(attempt, range(4))).count(True) == 1
    with psycopg.connect(fresh_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM organizations").fetchone() == (1,)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("password", "short", "10 characters"),
        ("password", "x" * 1025, "1024 characters"),
        ("password", "ada@example.com", "easy to guess"),
        ("password", "aaaaaaaaaaaa", "easy to guess"),
        ("email", "no-address", "not an email"),
        ("email", "a\x00@b", "not an email"),
        ("name", " \t ", "name is missing"),
        ("organization_name", "x" * 201, "200 characters"),
        ("organization_name", "a\x07b", "not text"),
    ],
)
def test_setup_refuses_what_cannot_work(
    fresh: Accounts, field: str, value: str, message: str
) -> None:
    token = fresh.issue_setup_token()
    with pytest.raises(InvalidInput, match=message):
        fresh.set_up(token=token, client=f"refuse-{field}", **{**OWNER, field: value})
    assert not fresh.is_set_up()


# Sessions


def test_sign_in_takes_the_email_in_any_case(accounts: Accounts, tenant: Tenant) -> None:
    email = tenant.users[Role.VIEWER].email
    signed_in = accounts.sign_in(email=f" {email.upper()} ", password=PASSWORD, client="case")
    assert signed_in.actor.user_id == tenant.users[Role.VIEWER].user_id
    assert signed_in.actor.organization_name == tenant.name


def test_every_sign_in_has_a_token_of_its_own(accounts: Accounts, tenant: Tenant) -> None:
    email = tenant.users[Role.VIEWER].email
    tokens = {
        accounts.sign_in(email=email, password=PASSWORD, client="own").session_token
        for _ in range(3)
    }
    assert len(tokens) == 3
    assert all(len(token) >= 43 for token in tokens)


@pytest.mark.parametrize("email", ["nobody@example.com", "", "x" * 5000, "a\x00b@c", "\ud800@x"])
def test_unknown_people_are_refused_like_wrong_passwords(
    accounts: Accounts, tenant: Tenant, email: str
) -> None:
    with pytest.raises(SignInRefused) as unknown:
        accounts.sign_in(email=email, password=PASSWORD, client="unknown")
    with pytest.raises(SignInRefused) as wrong:
        accounts.sign_in(
            email=tenant.users[Role.ADMIN].email, password="wrong password", client=f"w{email[:9]}"
        )
    assert (unknown.value.message, unknown.value.hint) == (wrong.value.message, wrong.value.hint)


def test_unknown_people_take_as_long_as_wrong_passwords(accounts: Accounts, tenant: Tenant) -> None:
    def seconds(email: str, number: int) -> float:
        begun = time.perf_counter()
        with pytest.raises(SignInRefused):
            accounts.sign_in(email=email, password="wrong password", client=f"time-{number}")
        return time.perf_counter() - begun

    known = sorted(seconds(tenant.users[Role.ADMIN].email, n) for n in range(7))[3]
    unknown = sorted(seconds(f"nobody{n}@example.com", n) for n in range(7))[3]
    assert unknown > known * 0.5


def test_five_wrong_passwords_lock_this_client_out(accounts: Accounts, tenant: Tenant) -> None:
    email = tenant.users[Role.OWNER].email

    def attempt(password: str, client: str) -> None:
        accounts.sign_in(email=email, password=password, client=client)

    for _ in range(5):
        with pytest.raises(SignInRefused):
            attempt("wrong password", "lock")
    with pytest.raises(TooManyAttempts) as caught:
        attempt(PASSWORD, "lock")
    assert caught.value.hint == "Try again in 15 minutes."
    attempt(PASSWORD, "somewhere else")


def test_a_good_sign_in_forgives_earlier_wrong_ones(accounts: Accounts, tenant: Tenant) -> None:
    email = tenant.users[Role.OWNER].email
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(SignInRefused):
                accounts.sign_in(email=email, password="wrong password", client="forgive")
        accounts.sign_in(email=email, password=PASSWORD, client="forgive")


def test_a_session_ends_after_its_time_unless_it_is_used(
    accounts: Accounts, tenant: Tenant, clock: Clock
) -> None:
    email = tenant.users[Role.ANALYST].email
    used = accounts.sign_in(email=email, password=PASSWORD, client="expiry").session_token
    unused = accounts.sign_in(email=email, password=PASSWORD, client="expiry").session_token

    def find(token: str) -> bool:
        accounts._context.cache.forget(hash_token(token))
        return accounts.find_actor_by_session(token) is not None

    clock.pass_by(minutes=50)
    assert find(used)
    clock.pass_by(minutes=20)
    assert find(used)
    assert not find(unused)
    clock.pass_by(minutes=61)
    assert not find(used)


def test_signing_out_ends_the_session_at_once(accounts: Accounts, tenant: Tenant) -> None:
    email = tenant.users[Role.ANALYST].email
    token = accounts.sign_in(email=email, password=PASSWORD, client="out").session_token
    assert accounts.find_actor_by_session(token)
    accounts.sign_out(token)
    assert accounts.find_actor_by_session(token) is None
    accounts.sign_out(token)
    accounts.sign_out("never existed")


@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "\x00", "ä" * 50, "\ud800"])
def test_what_is_no_token_finds_nobody(accounts: Accounts, token: str) -> None:
    assert accounts.find_actor_by_session(token) is None
    assert accounts.find_actor_by_api_key(f"ais_{token}") is None
    accounts.sign_out(token)


def test_another_process_hears_of_a_sign_out_within_seconds(
    accounts: Accounts,
    migrated_database_url: str,
    web_services: Services,
    tenant: Tenant,
    clock: Clock,
) -> None:
    other = accounts_on(migrated_database_url, web_services, clock)
    email = tenant.users[Role.ANALYST].email
    token = accounts.sign_in(email=email, password=PASSWORD, client="other").session_token
    assert other.find_actor_by_session(token)
    accounts.sign_out(token)
    deadline = time.monotonic() + 10
    while other.find_actor_by_session(token) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    other._context.engine.dispose()


# Users


def test_roles_decide_who_manages_people(accounts: Accounts, tenant: Tenant) -> None:
    for role in (Role.VIEWER, Role.ANALYST):
        with pytest.raises(PermissionDenied):
            accounts.list_users(tenant.actor(role))
        with pytest.raises(PermissionDenied):
            accounts.create_user(
                tenant.actor(role), name="N", email="n@x", role=Role.VIEWER, password=PASSWORD
            )
        with pytest.raises(PermissionDenied):
            accounts.change_user(tenant.actor(role), tenant.users[role].user_id, role=Role.OWNER)
    listed = accounts.list_users(tenant.actor(Role.ADMIN))
    assert {u.user_id for u in listed} >= {u.user_id for u in tenant.users.values()}
    assert {u.organization_id for u in listed} == {tenant.organization_id}


def test_an_admin_makes_nobody_owner_and_touches_no_owner(
    accounts: Accounts, tenant: Tenant
) -> None:
    admin = tenant.actor(Role.ADMIN)
    with pytest.raises(PermissionDenied):
        accounts.create_user(admin, name="N", email="n@x", role=Role.OWNER, password=PASSWORD)
    with pytest.raises(PermissionDenied):
        accounts.change_user(admin, admin.user_id, role=Role.OWNER)
    with pytest.raises(PermissionDenied):
        accounts.change_user(admin, tenant.users[Role.OWNER].user_id, is_active=False)


def test_people_of_other_organizations_do_not_exist(
    accounts: Accounts, tenant: Tenant, stranger_tenant: Tenant
) -> None:
    owner = tenant.actor(Role.OWNER)
    for user_id in (stranger_tenant.users[Role.VIEWER].user_id, "0" * 32, "x", "\x00", ""):
        with pytest.raises(NotFound):
            accounts.change_user(owner, user_id, is_active=False)


def test_a_user_who_is_deactivated_is_out_at_once(accounts: Accounts, tenant: Tenant) -> None:
    owner = tenant.actor(Role.OWNER)
    user = accounts.create_user(
        owner,
        name="Temp",
        email=f"temp-{tenant.organization_id}@x.org",
        role="analyst",
        password=PASSWORD,
    )
    signed_in = accounts.sign_in(email=user.email, password=PASSWORD, client="temp")
    _, secret = accounts.create_api_key(signed_in.actor, name="k")
    assert accounts.find_actor_by_api_key(secret)
    changed = accounts.change_user(owner, user.user_id, is_active=False)
    assert not changed.is_active
    assert accounts.find_actor_by_session(signed_in.session_token) is None
    assert accounts.find_actor_by_api_key(secret) is None
    with pytest.raises(SignInRefused):
        accounts.sign_in(email=user.email, password=PASSWORD, client="temp")


def test_a_change_of_role_is_felt_by_open_sessions(accounts: Accounts, tenant: Tenant) -> None:
    owner = tenant.actor(Role.OWNER)
    user = accounts.create_user(
        owner,
        name="Temp",
        email=f"role-{tenant.organization_id}@x.org",
        role=Role.ADMIN,
        password=PASSWORD,
    )
    token = accounts.sign_in(email=user.email, password=PASSWORD, client="role").session_token
    assert accounts.find_actor_by_session(token)
    accounts.change_user(owner, user.user_id, role="viewer")
    actor = accounts.find_actor_by_session(token)
    assert actor is not None
    assert actor.role is Role.VIEWER
    assert "users.manage" not in actor.permissions


def test_an_organization_keeps_an_owner(accounts: Accounts, web_services: Services) -> None:
    lonely = add_tenant(web_services.engine)
    owner = lonely.actor(Role.OWNER)
    with pytest.raises(Conflict, match="needs an owner"):
        accounts.change_user(owner, owner.user_id, role=Role.ADMIN)
    with pytest.raises(Conflict, match="yourself"):
        accounts.change_user(owner, owner.user_id, is_active=False)
    accounts.change_user(owner, lonely.users[Role.ADMIN].user_id, role=Role.OWNER)
    assert accounts.change_user(owner, owner.user_id, role=Role.ADMIN).role is Role.ADMIN


def test_two_owners_who_demote_each_other_at_once_leave_one(
    accounts: Accounts, web_services: Services
) -> None:
    pair = add_tenant(web_services.engine)
    first = pair.actor(Role.OWNER)
    accounts.change_user(first, pair.users[Role.ADMIN].user_id, role=Role.OWNER)
    second = replace(first, user_id=pair.users[Role.ADMIN].user_id)

    def demote(pairing: tuple[object, str]) -> bool:
        actor, user_id = pairing
        try:
            accounts.change_user(actor, user_id, role=Role.VIEWER)  # type: ignore[arg-type]
        except AiserError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(demote, [(first, second.user_id), (second, first.user_id)]))
    assert done.count(True) == 1
    owners = [u for u in accounts.list_users(pair.actor(Role.OWNER)) if u.role is Role.OWNER]
    assert len(owners) == 1


def test_an_email_is_used_once(accounts: Accounts, tenant: Tenant, stranger_tenant: Tenant) -> None:
    taken = stranger_tenant.users[Role.VIEWER].email
    with pytest.raises(Conflict, match="in use"):
        accounts.create_user(
            tenant.actor(Role.OWNER),
            name="N",
            email=taken.upper(),
            role=Role.VIEWER,
            password=PASSWORD,
        )
    with pytest.raises(InvalidInput, match="no such role"):
        accounts.create_user(
            tenant.actor(Role.OWNER), name="N", email="n@x", role="emperor", password=PASSWORD
        )


# API keys


def test_a_key_acts_for_its_user_until_it_is_revoked(accounts: Accounts, tenant: Tenant) -> None:
    analyst = tenant.actor(Role.ANALYST)
    key, secret = accounts.create_api_key(analyst, name=" My script ")
    assert secret.startswith("ais_")
    assert key.prefix == secret[:12]
    assert key.name == "My script"
    actor = accounts.find_actor_by_api_key(secret)
    assert actor is not None
    assert actor.user_id == analyst.user_id
    assert actor.permissions == analyst.permissions - {"api_keys.manage"}
    (listed,) = [k for k in accounts.list_api_keys(analyst) if k.api_key_id == key.api_key_id]
    assert listed.last_used_at is not None
    with pytest.raises(PermissionDenied):
        accounts.create_api_key(actor, name="successor")
    accounts.revoke_api_key(analyst, key.api_key_id)
    assert accounts.find_actor_by_api_key(secret) is None
    assert key.api_key_id not in {k.api_key_id for k in accounts.list_api_keys(analyst)}
    with pytest.raises(NotFound):
        accounts.revoke_api_key(analyst, key.api_key_id)


def test_keys_are_kept_as_hashes_only(
    accounts: Accounts, tenant: Tenant, migrated_database_url: str
) -> None:
    _, secret = accounts.create_api_key(tenant.actor(), name="hash")
    with psycopg.connect(migrated_database_url) as connection:
        rows = connection.execute(
            "SELECT k::text FROM api_keys k UNION ALL SELECT a::text FROM audit_events a"
        )
        assert secret not in str(rows.fetchall())


def test_a_key_ends_on_its_day(accounts: Accounts, tenant: Tenant, clock: Clock) -> None:
    _, secret = accounts.create_api_key(tenant.actor(), name="short", days=1)
    assert accounts.find_actor_by_api_key(secret)
    clock.pass_by(days=1, seconds=1)
    accounts._context.cache.forget(hash_token(secret))
    assert accounts.find_actor_by_api_key(secret) is None


@pytest.mark.parametrize("days", [0, -1, 10**9])
def test_a_key_lasts_a_sensible_time(accounts: Accounts, tenant: Tenant, days: int) -> None:
    with pytest.raises(InvalidInput):
        accounts.create_api_key(tenant.actor(), name="k", days=days)


def test_nobody_revokes_the_key_of_another(accounts: Accounts, tenant: Tenant) -> None:
    key, secret = accounts.create_api_key(tenant.actor(Role.ANALYST), name="mine")
    with pytest.raises(NotFound):
        accounts.revoke_api_key(tenant.actor(Role.OWNER), key.api_key_id)
    assert accounts.find_actor_by_api_key(secret)


def test_keys_of_one_user_are_limited(accounts: Accounts, web_services: Services) -> None:
    actor = add_tenant(web_services.engine).actor()
    for number in range(50):
        accounts.create_api_key(actor, name=f"k{number}")
    with pytest.raises(Conflict, match="50 keys"):
        accounts.create_api_key(actor, name="one too many")


# Audit and the command line


def test_what_happens_to_accounts_is_written_down(
    accounts: Accounts, web_services: Services
) -> None:
    tenant = add_tenant(web_services.engine)
    owner = tenant.actor(Role.OWNER)
    with pytest.raises(SignInRefused):
        accounts.sign_in(email=owner.email, password="wrong password", client="10.0.0.9")
    token = accounts.sign_in(email=owner.email, password=PASSWORD, client="10.0.0.9").session_token
    key, secret = accounts.create_api_key(owner, name="k")
    accounts.revoke_api_key(owner, key.api_key_id)
    accounts.change_user(owner, tenant.users[Role.VIEWER].user_id, role=Role.ANALYST)
    accounts.sign_out(token)
    with UnitOfWork(web_services.engine) as uow:
        events = uow.audit_events.list_all(tenant.organization_id)
    assert {e.kind for e in events} == {
        "session.refused",
        "session.started",
        "api_key.created",
        "api_key.revoked",
        "user.changed",
        "session.ended",
    }
    refused = next(e for e in events if e.kind == "session.refused")
    assert (refused.user_id, refused.subject, refused.client) == (None, owner.email, "10.0.0.9")
    assert secret not in str(events)


def test_the_command_line_acts_for_a_user(
    accounts: Accounts, tenant: Tenant, fresh: Accounts
) -> None:
    email = tenant.users[Role.ADMIN].email
    assert accounts.operator(email).role is Role.ADMIN
    assert accounts.operator().role is Role.OWNER
    assert accounts.me(accounts.operator(email)).email == email
    with pytest.raises(NotFound):
        accounts.operator("nobody@example.com")
    with pytest.raises(NotFound):
        fresh.operator()
