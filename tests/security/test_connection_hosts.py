"""Hosts that stand for something else than a database: refused by address, after resolution."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from aiser_app.config import Settings
from aiser_app.errors import EngineUnavailable, InvalidInput
from aiser_app.query.connection import HostRules, check_host, host_rules

ALWAYS_REFUSED = [
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fd00:ec2::254",
    "fe80::1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "::ffff:0.0.0.0",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "0x7f000001",
    "0x7f.0.0.1",
    "2130706433",
    "0177.0.0.1",
    "127.1",
    "127.0.0.1.",
    "127.0.0.01",
    "1",
    "",
    "fe80::1%eth0",
    "127.0.0.1%0",
]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "fd12::1",
    "198.18.0.1",
]


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def known(host: str, *_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", known)


@pytest.mark.parametrize("host", ALWAYS_REFUSED)
def test_it_is_refused_everywhere(host: str) -> None:
    with pytest.raises(InvalidInput, match="host cannot be used"):
        check_host(host, allow_private=True)


@pytest.mark.parametrize("host", PRIVATE)
def test_private_networks_are_the_installations_choice(host: str) -> None:
    assert check_host(host, allow_private=True)
    with pytest.raises(InvalidInput, match="private network"):
        check_host(host, allow_private=False)


@pytest.mark.parametrize("host", ["93.184.216.34", "2606:2800:220:1::1"])
def test_public_addresses_are_fine(host: str) -> None:
    assert check_host(host, allow_private=False) == host


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1%2"])
def test_a_name_is_judged_by_its_addresses(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolving(monkeypatch, "93.184.216.34", address)
    with pytest.raises(InvalidInput, match="machine's own network"):
        check_host("innocent.example", allow_private=True)


def test_a_name_gives_its_first_address_and_the_rules_all(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "10.0.0.2", "10.0.0.1", "10.0.0.2")
    assert check_host("db.example", allow_private=True) == "10.0.0.2"
    assert HostRules().addresses("db.example", 5432) == ("10.0.0.2", "10.0.0.1")
    assert HostRules().check("db.example", 5432) == "10.0.0.2"


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 300, "a..b"])
def test_an_unknown_name_is_said(host: str) -> None:
    with pytest.raises(EngineUnavailable, match="is not known"):
        check_host(host, allow_private=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost", "::ffff:127.0.0.1"])
def test_aisers_own_stores_are_no_sources(host: str) -> None:
    settings = Settings(
        database_url="postgresql://aiser:x@127.0.0.1:6001/aiser",
        redis_url="redis://:x@localhost:6002/0",
        state_redis_url="redis://:x@127.0.0.1",
        chroma_url="http://127.0.0.1:6003",
    )
    rules = host_rules(settings)
    for port in (6001, 6002, 6003, 6379):
        with pytest.raises(InvalidInput, match="its own data"):
            rules.check(host, port)
    assert rules.check(host, 5432)
    assert rules.check("10.0.0.1", 6001) == "10.0.0.1"


def test_stores_elsewhere_are_known_by_their_address(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = HostRules(forbidden=frozenset({("10.0.0.9", 5432), ("gone.invalid", 5432)}))
    with pytest.raises(InvalidInput, match="its own data"):
        rules.check("10.0.0.9", 5432)
    assert rules.check("10.0.0.9", 5433) == "10.0.0.9"
    assert rules.check("10.0.0.8", 5432) == "10.0.0.8"


def test_the_setting_decides() -> None:
    assert not host_rules(Settings(allow_private_hosts=False)).allow_private
    assert host_rules(Settings()) == HostRules()
