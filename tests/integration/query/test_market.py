"""Every form of a semantic query, on real databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.query.shops import SHOPS, LiveShop
from tests.unit.semantic.market import MARKET
from tests.unit.semantic.market_queries import CASES
from tests.unit.semantic.market_rows import alike, compiled

pytestmark = pytest.mark.integration

_OLD_SQLITE = {"sql dimension": "SQLite has CONCAT from 3.44 on; the model's own SQL uses it"}


@pytest.fixture(scope="module", params=sorted(SHOPS))
def live(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveShop]:
    folder = tmp_path_factory.mktemp(request.param)
    with SHOPS[request.param](folder, request, MARKET) as shop:
        yield shop


@pytest.mark.parametrize("name", CASES)
def test_every_database_gives_the_right_answer(live: LiveShop, name: str) -> None:
    if live.engine.dialect == "sqlite" and name in _OLD_SQLITE:
        pytest.skip(_OLD_SQLITE[name])
    parts, expected = CASES[name]
    rows = live.rows(compiled(parts, live.engine.dialect).sql)
    assert alike(rows) == alike(expected)
