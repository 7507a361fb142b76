"""The same answer as one database that has all the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.query.federation.builders import Both, both
from tests.unit.query.federation.queries import SAME


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with both(tmp_path_factory.mktemp("federation")) as found:
        yield found


def counted(rows: list[tuple[Any, ...]]) -> Counter[str]:
    """Rows without their order; NaN equals NaN."""
    return Counter(repr(row) for row in rows)


@pytest.mark.parametrize("sql", SAME)
def test_it_is_what_one_database_says(two: Both, sql: str) -> None:
    expected = two.expected(sql)
    assert expected
    assert counted(two.rows(sql)) == counted(expected)
