"""Any difference that can change an answer changes the key, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import combinations
from typing import Any

from aiser_app.domain.actor import Claims
from aiser_app.domain.data_source import DataSource, SourceSettings
from aiser_app.domain.policy import ColumnMask, MaskKind, Policies, RowPolicy
from aiser_app.domain.verdict import BoundParameter
from aiser_app.query.cache import cache_key

SOURCE = DataSource(
    source_id="1" * 32, organization_id="0" * 32, name="Shop", engine="postgres", data_version="v1"
)
OTHER = replace(SOURCE, source_id="2" * 32, name="Other")
CLAIMS = Claims(organization_id="0" * 32, attributes={"region": "EU"})
ROW = RowPolicy(name="own region", table="orders", condition="region = :region")
MASK = ColumnMask(name="no mail", table="people", column="mail", kind=MaskKind.HASH)
SAME: dict[str, Any] = {
    "sql": "SELECT a FROM orders WHERE b = :b LIMIT 11",
    "parameters": (BoundParameter(token="aiser_p_1", name="b", value=1),),
    "limit": 10,
    "sources": (SOURCE,),
    "claims": CLAIMS,
    "policies": (Policies(rows=(ROW,), masks=(MASK,)),),
    "timezone": "UTC",
}


def key(**changes: Any) -> str:
    return cache_key(**{**SAME, **changes})


def bound(value: Any, name: str = "b", token: str = "t") -> tuple[BoundParameter, ...]:
    return (BoundParameter(token=token, name=name, value=value),)


def test_the_same_question_has_the_same_key() -> None:
    assert key() == key()
    assert len(key()) == 64


def test_every_difference_counts() -> None:
    keys = [
        key(),
        key(sql="SELECT a FROM orders WHERE b = :c LIMIT 11"),
        key(limit=11),
        key(timezone="Europe/Berlin"),
        key(sources=(OTHER,)),
        key(sources=(SOURCE, OTHER)),
        key(sources=(OTHER, SOURCE)),
        key(sources=(replace(SOURCE, name="Other"), replace(OTHER, name="Shop"))),
        key(sources=(replace(SOURCE, data_version="v2"),)),
        key(sources=(replace(SOURCE, engine="mysql"),)),
        key(claims=replace(CLAIMS, attributes={"region": "US"})),
        key(claims=replace(CLAIMS, attributes={})),
        key(claims=replace(CLAIMS, organization_id="9" * 32)),
        key(policies=()),
        key(policies=(Policies(rows=(ROW,)),)),
        key(policies=(Policies(masks=(MASK,)),)),
        key(policies=(Policies(rows=(replace(ROW, condition="true"),), masks=(MASK,)),)),
        key(policies=(Policies(rows=(replace(ROW, table="items"),), masks=(MASK,)),)),
        key(policies=(Policies(rows=(replace(ROW, name="another"),), masks=(MASK,)),)),
        key(policies=(Policies(rows=(ROW,), masks=(replace(MASK, kind=MaskKind.NULL),)),)),
        key(policies=(Policies(rows=(ROW,), masks=(replace(MASK, column="name"),)),)),
        key(policies=(Policies(rows=(ROW,), masks=(MASK,)), Policies())),
        key(parameters=()),
        key(parameters=bound(1, name="c")),
        key(parameters=bound(1) + bound(1)),
    ]
    assert len(set(keys)) == len(keys)


def test_values_of_different_types_are_different() -> None:
    values = [
        1,
        True,
        1.0,
        "1",
        Decimal(1),
        Decimal("1.0"),
        None,
        "None",
        date(2024, 1, 1),
        datetime.fromisoformat("2024-01-01T00:00:00"),
        datetime(2024, 1, 1, tzinfo=UTC),
        "2024-01-01",
        float("nan"),
        0.0,
        -0.0,
        "\ud800",
    ]
    for left, right in combinations(values, 2):
        assert key(parameters=bound(left)) != key(parameters=bound(right)), (left, right)


def test_what_cannot_change_the_answer_does_not_count() -> None:
    settings = SourceSettings(cache_seconds=1)
    renamed = replace(SOURCE, name="Renamed", description="x", settings=settings, row_count=5)
    first = Policies(rows=(ROW, replace(ROW, name="z")), masks=(MASK,))
    second = Policies(rows=(replace(ROW, name="z"), ROW), masks=(MASK,))
    assert key(sources=(renamed,)) == key()
    assert key(parameters=bound(1, token="another")) == key()
    assert key(policies=(first,)) == key(policies=(second,))
    two = replace(CLAIMS, attributes={"a": "1", "b": "2"})
    assert key(claims=two) == key(claims=replace(CLAIMS, attributes={"b": "2", "a": "1"}))
