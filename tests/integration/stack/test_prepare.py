"""What `up` does between the stores and the web process, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aiser_app.stack.home import PROJECT
from tests.fixtures.app import FOREIGN

pytestmark = pytest.mark.integration


def prepare(home: Path, **settings: str) -> tuple[int, list[dict[str, Any]]]:
    own = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    done = subprocess.run(
        [sys.executable, "-m", "aiser_app.stack.prepare"],
        env={**own, "AISER_HOME": str(home), **settings},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_first_start_without_an_owner_gives_a_setup_token(
    fresh_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    addresses = {"DATABASE_URL": fresh_database_url, "REDIS_URL": redis_url}
    status, lines = prepare(tmp_path, **addresses)
    assert status == 0
    assert [line["step"] for line in lines[:-1]] == [
        "Tables are up to date",
        "Sample data is in place",
    ]
    token = lines[-1]["setup_token"]
    with psycopg.connect(fresh_database_url) as connection:
        (stored,) = connection.execute("select t::text from setup_tokens t").fetchall()
    assert token not in stored[0], "only a hash is kept"
    status, again = prepare(tmp_path, **addresses)
    assert status == 0
    assert again[-1]["setup_token"] not in (None, token)


def test_an_unattended_start_makes_the_owner_once(
    fresh_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    settings = {
        "DATABASE_URL": fresh_database_url,
        "REDIS_URL": redis_url,
        "AISER_ADMIN_EMAIL": "ada@example.com",
        "AISER_ADMIN_PASSWORD": "correct horse battery",
    }
    for _ in range(2):
        status, lines = prepare(tmp_path, **settings)
        assert status == 0
        assert lines[-1] == {"setup_token": None}
    with psycopg.connect(fresh_database_url) as connection:
        users = connection.execute("select email, role from users").fetchall()
    assert users == [("ada@example.com", "owner")]


def test_a_password_that_is_too_short_is_told_and_nothing_is_made(
    fresh_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    status, lines = prepare(
        tmp_path,
        DATABASE_URL=fresh_database_url,
        REDIS_URL=redis_url,
        AISER_ADMIN_EMAIL="ada@example.com",
        AISER_ADMIN_PASSWORD="short",
    )
    assert status == 1
    assert "10" in lines[-1]["error"] + (lines[-1]["hint"] or "")
    assert "short" not in lines[-1]["error"].replace("too short", "")
    with psycopg.connect(fresh_database_url) as connection:
        assert connection.execute("select count(*) from users").fetchone() == (0,)
