"""Roles only ever add to what the role below may do, and the documented table is the real one."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from aiser_app.access.permissions import ROLE_PERMISSIONS, permissions_of, require
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.permission import Permission
from aiser_app.errors import PermissionDenied

DOCS = Path(__file__).resolve().parents[3] / "docs" / "api.md"


def actor(role: Role) -> Actor:
    return Actor(user_id="u", organization_id="o", role=role, permissions=permissions_of(role))


def test_each_role_holds_more_than_the_one_below() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    for higher, lower in pairwise(Role):
        assert ROLE_PERMISSIONS[higher] > ROLE_PERMISSIONS[lower]
    assert ROLE_PERMISSIONS[Role.OWNER] == set(Permission)


def test_require_lets_pass_or_names_what_is_missing() -> None:
    require(actor(Role.ANALYST), Permission.QUESTIONS_ASK)
    assert actor(Role.VIEWER).may(Permission.SOURCES_READ)
    with pytest.raises(PermissionDenied, match=r"questions\.ask") as caught:
        require(actor(Role.VIEWER), Permission.QUESTIONS_ASK)
    assert caught.value.hint


def test_what_counts_is_what_the_actor_holds_not_the_role() -> None:
    stripped = Actor(user_id="u", organization_id="o", role=Role.OWNER, permissions=frozenset())
    for permission in Permission:
        with pytest.raises(PermissionDenied):
            require(stripped, permission)


def test_keys_make_no_keys() -> None:
    for role in Role:
        assert permissions_of(role) - permissions_of(role, by_api_key=True) == {"api_keys.manage"}


def test_the_documented_table_is_the_real_one() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \|(.+)\|[^|]*\|$", DOCS.read_text(), re.MULTILINE)
    documented = {
        name: {role for role, mark in zip(Role, marks.split("|"), strict=True) if mark.strip()}
        for name, marks in rows
        if name in set(Permission)
    }
    real = {p.value: {r for r in Role if p in ROLE_PERMISSIONS[r]} for p in Permission}
    assert documented == real
