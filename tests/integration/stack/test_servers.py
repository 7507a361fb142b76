"""The embedded servers start from the wheels and do what the rest of Aiser relies on."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from aiser_app.stack.ports import free_ports
from aiser_app.stack.postgres import Postgres
from tests.fixtures.servers import RunningServer

pytestmark = pytest.mark.integration


def test_postgres_has_extensions_and_refuses_a_wrong_password(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "select count(*) from pg_available_extensions where name in ('vector', 'pg_trgm')"
        ).fetchone()
    assert row == (2,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres_url.replace("test-password", "wrong"))


def test_every_fresh_database_is_empty(fresh_database_url: str, postgres_url: str) -> None:
    assert fresh_database_url != postgres_url
    with psycopg.connect(fresh_database_url) as connection:
        count = connection.execute(
            "select count(*) from information_schema.tables where table_schema = 'public'"
        ).fetchone()
    assert count == (0,)


def test_valkey_has_scripts_and_streams_and_refuses_strangers(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.eval("return redis.call('incr', KEYS[1])", 1, "fixture:n") == 1
        entry = client.xadd("fixture:stream", {"a": "1"}, id="1-0")
        assert entry == b"1-0"
        client.delete("fixture:n", "fixture:stream")
    stranger = redis_url.replace(redis_url.split(":")[2].split("@")[0], "wrong")
    with redis.Redis.from_url(stranger) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_chroma_answers(chroma_url: str) -> None:
    import urllib.request

    with urllib.request.urlopen(f"{chroma_url}/api/v2/heartbeat") as answer:
        assert answer.status == 200


WITHOUT_USER_NAMESPACES = (
    "import sys; from aiser_app.stack import account, postgres; account.NAMESPACE = ('false',); "
    "sys.argv[0] = 'postgres'; sys.exit(postgres.main())"
)


@pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="only root needs a mount namespace"
)
def test_root_starts_postgres_below_a_closed_folder_without_user_namespaces(
    tmp_path: Path,
) -> None:
    """As in a chroot, where a clone in /root can be entered by no other account."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    home.mkdir(mode=0o711)
    secret = home / "password"
    secret.write_text("test-password")
    port = free_ports(1)[0]
    server = Postgres(
        data=home / "postgres", port=port, password="test-password", password_file=secret
    )
    command = [sys.executable, "-c", WITHOUT_USER_NAMESPACES, *server.command()[3:]]
    running = RunningServer(command, tmp_path / "log", server.is_ready)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("create table kept as select 1 as n")
    running.stop(signal.SIGKILL)
    again = RunningServer(command, tmp_path / "log", server.is_ready)
    try:
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("select n from kept").fetchone() == (1,)
    finally:
        again.stop(signal.SIGINT)
    assert closed.stat().st_mode & 0o777 == 0o700
    assert (home / "postgres").stat().st_uid != 0
