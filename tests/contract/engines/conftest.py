"""Engines under contract: a new one is a module `<name>_case.py` and one line in ENGINES."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.contract.engines.cases import Case, Network
from tests.contract.engines.clickhouse_case import clickhouse_case
from tests.contract.engines.duckdb_case import duckdb_case
from tests.contract.engines.mysql_case import mysql_case
from tests.contract.engines.postgres_case import postgres_case
from tests.contract.engines.sqlite_case import sqlite_case

CaseMaker = Callable[[Path, pytest.FixtureRequest], AbstractContextManager[Case]]

ENGINES: dict[str, CaseMaker] = {
    "clickhouse": clickhouse_case,
    "duckdb": duckdb_case,
    "mysql": mysql_case,
    "postgres": postgres_case,
    "sqlite": sqlite_case,
}
"""Each makes its case in the folder it is given; servers come from fixtures by the request."""


@pytest.fixture(scope="session", params=sorted(ENGINES))
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    """One case per engine for the whole run: no test may change its data."""
    with ENGINES[request.param](tmp_path_factory.mktemp(request.param), request) as made:
        yield made


@pytest.fixture
def network(case: Case) -> Network:
    """Of the engines that have one."""
    if case.network is None:
        pytest.skip("reads a file")
    return case.network
