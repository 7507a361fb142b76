"""The embedded servers start from the wheels and do what the rest of Aiser relies on."""

from __future__ import annotations

import psycopg
import pytest
import redis

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
