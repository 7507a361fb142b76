"""A browser window on the running application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.pages import Visitor
from tests.fixtures.app import RunningApp


@pytest.fixture(scope="session")
def base_url() -> None:
    """In place of pytest-base-url's, which warns: each test names its own application."""


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1440, "height": 900}}


@pytest.fixture
def visitor(page: Page, running_app: RunningApp) -> Iterator[Visitor]:
    """A window that must not have complained in its console by the end of the test."""
    made = Visitor(page, running_app)
    yield made
    assert made.errors == []


@pytest.fixture
def member(visitor: Visitor) -> Visitor:
    """The same, signed in."""
    visitor.sign_in_by_cookie()
    return visitor
