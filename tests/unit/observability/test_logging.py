"""Logs are JSON lines, and no secret survives on its way into one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from aiser_app.observability.logging import MAX_TEXT, configure_logging, redact, redact_text

CANARY = "canary7f3a9Secret"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging("debug", process="web", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def last(stream: io.StringIO) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return content


def test_a_line_says_what_happened_where(stream: io.StringIO) -> None:
    logging.getLogger("aiser_app.x").info("run_finished", extra={"run_id": "r", "rows": 3})
    line = last(stream)
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "info",
        "process": "web",
        "logger": "aiser_app.x",
        "event": "run_finished",
        "run_id": "r",
        "rows": 3,
    }


def test_extras_do_not_overwrite_the_line(stream: io.StringIO) -> None:
    logging.getLogger("x").info("told\nin two lines", extra={"event": "forged", "level": "none"})
    assert last(stream)["event"] == "told\nin two lines"
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://aiser:{CANARY}@db:5432/aiser",
        f"redis://:{CANARY}@cache:6379/0",
        f"Authorization: Bearer {CANARY}",
        f"Cookie: a=b; aiser_session={CANARY}; c=d",
        f"key ais_{CANARY}_x is wrong",
        f"sk-{CANARY}{CANARY}",
        f'{{"password": "{CANARY}"}}',
        f"password={CANARY}&x=1",
        f"token: {CANARY}",
        f"$argon2id$v=19${CANARY}",
    ],
)
def test_secrets_in_text_are_blotted_out(stream: io.StringIO, text: str) -> None:
    logging.getLogger("x").warning("happened: %s", text, extra={"detail": {"more": [text]}})
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("x").exception("broke")
    assert CANARY not in stream.getvalue()
    assert "ValueError" in stream.getvalue()


@pytest.mark.parametrize(
    "name", ["password", "admin_password", "session_token", "Authorization", "api_key", "cookie"]
)
def test_what_is_named_like_a_secret_is_one(stream: io.StringIO, name: str) -> None:
    logging.getLogger("x").info("e", extra={name: CANARY, "nested": {name: [CANARY]}})
    assert CANARY not in stream.getvalue()


def test_harmless_values_stay() -> None:
    assert redact("tokens", 12) == 12
    assert redact("url", "http://127.0.0.1:8000/api") == "http://127.0.0.1:8000/api"
    assert redact_text("12 tokens were used at 10:30") == "12 tokens were used at 10:30"
    assert redact("when", {1}) == [1]
    assert redact("thing", ValueError("x")) == "x"


def test_long_texts_are_cut() -> None:
    assert len(redact_text("x" * 100_000)) < MAX_TEXT + 50


def test_an_unknown_level_is_info(stream: io.StringIO) -> None:
    configure_logging("loud", process="web", stream=stream)
    assert logging.getLogger().level == logging.INFO


def test_libraries_that_print_by_themselves_do_so_no_more() -> None:
    """Their own handlers would write a second time, and without blotting out."""
    own, root = io.StringIO(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    library = logging.getLogger("a_library.server")
    library.addHandler(logging.StreamHandler(own))
    shared = io.StringIO()
    try:
        configure_logging(process="web", stream=shared)
        library.error("it broke: password=%s", CANARY)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)

    assert own.getvalue() == ""
    assert "it broke" in shared.getvalue()
    assert CANARY not in shared.getvalue()
