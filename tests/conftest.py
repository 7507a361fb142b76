"""Fixtures that every test may ask for, and the order of the whole: fast ones first."""

from __future__ import annotations

import pytest

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.customer",
    "tests.fixtures.app",
    "tests.fixtures.browser",
    "tests.fixtures.sample",
    "tests.fixtures.mariadb",
    "tests.fixtures.clickhouse",
    "tests.fixtures.cube",
]

LAST = ("tests/security/", "tests/e2e/")
"""Folders whose tests need the whole application: whoever waits sees cheap failures first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((i + 1 for i, part in enumerate(LAST) if part in item.path.as_posix()), 0)

    items.sort(key=rank)
