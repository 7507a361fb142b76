"""What libpq is told: everything from the URL, nothing from the environment."""

from __future__ import annotations

import os

import pytest
from psycopg.conninfo import make_conninfo

from aiser_app.domain.connection import ConnectionStep
from aiser_app.query.connection import read_address
from aiser_app.query.engines.postgres import rights
from aiser_app.query.engines.postgres.reaching import (
    Parameters,
    libpq_parameters,
    with_options_or_without,
)

ADDRESS = read_address("postgresql://ada:p%40ss@db.example/shop")


def test_every_address_of_the_host_is_tried_by_its_name() -> None:
    found = libpq_parameters(ADDRESS, ("10.0.0.1", "fd12::1"), 10)
    assert found["host"] == "db.example,db.example"
    assert found["hostaddr"] == "10.0.0.1,fd12::1"
    assert found["port"] == "5432,5432"
    assert found["sslmode"] == "prefer"
    assert "dbname=shop" in make_conninfo(**found)


@pytest.mark.parametrize(
    ("limit", "url", "seconds"), [(0.5, "", "2"), (9.6, "", "10"), (9, "7", "7")]
)
def test_the_time_to_connect(limit: float, url: str, seconds: str) -> None:
    query = f"?connect_timeout={url}" if url else ""
    address = read_address(f"postgresql://db.example/shop{query}")
    assert libpq_parameters(address, ("10.0.0.1",), limit)["connect_timeout"] == seconds


def test_nothing_is_left_for_libpq_to_look_up() -> None:
    address = read_address("postgresql://db.example/shop")
    found = libpq_parameters(address, ("10.0.0.1",), 10)
    for name in ("user", "password", "passfile", "sslcert", "sslkey", "sslrootcert", "options"):
        assert found[name], name
    for name in ("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"):
        assert not os.path.lexists(found[name])


def test_a_proxy_that_refuses_options_is_asked_without() -> None:
    seen: list[Parameters] = []

    def connecting(found: Parameters) -> str:
        seen.append(found)
        if "options" in found:
            raise OSError("FATAL: unsupported startup parameter: options")
        return "connected"

    assert with_options_or_without(connecting, {"options": "-c x", "host": "a"}) == "connected"
    assert seen == [{"options": "-c x", "host": "a"}, {"host": "a"}]


def test_another_failure_is_not_tried_again() -> None:
    seen: list[Parameters] = []

    def connecting(found: Parameters) -> str:
        seen.append(found)
        raise OSError("Connection refused")

    with pytest.raises(OSError, match="refused"):
        with_options_or_without(connecting, {"options": "-c x"})
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("text", "step", "words"),
    [
        ("server does not support SSL, but SSL was required", "tls", "does not offer encryption"),
        ('server certificate for "x" does not match host name "y"', "tls", "not one that"),
        ("SSL error: certificate verify failed", "tls", "not one that"),
        ("no pg_hba.conf entry for host, no encryption", "tls", "sslmode=require"),
        ("SSL SYSCALL error: EOF detected", "tls", "could not be made"),
        ('FATAL: database "shop" does not exist', "sign_in", "no database “shop”"),
        ('FATAL: password authentication failed for user "ada"', "sign_in", "user “ada”"),
        ('FATAL: role "ada" does not exist', "sign_in", "user “ada”"),
        ("FATAL: no pg_hba.conf entry for host", "sign_in", "pg_hba.conf"),
        ('FATAL: permission denied for database "shop"', "sign_in", "GRANT CONNECT"),
        ('FATAL: role "ada" is not permitted to log in', "sign_in", "GRANT CONNECT"),
        ("FATAL: sorry, too many clients already", "sign_in", "max_connections"),
        ("FATAL: the database system is starting up", "sign_in", "in a moment"),
        ("received invalid response to SSL negotiation: H", "sign_in", "does not let us in"),
    ],
)
def test_a_refused_sign_in_says_what_to_do(text: str, step: str, words: str) -> None:
    failure = rights._failure(text, ADDRESS)
    assert failure.step is ConnectionStep(step)
    assert words in failure.message
    assert "p@ss" not in failure.message
