"""Which hosts may be connected to: judged after resolution, by address, never by name alone."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiser_app.config import Settings
from aiser_app.errors import EngineUnavailable, InvalidInput

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NUMERIC = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]*|[0-9]+))*\.?")
"""What `inet_aton` reads as an address; only the plain four decimal numbers are accepted."""
_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")
)
"""Metadata services of clouds outside the link-local range (Alibaba, Oracle, Azure, AWS by IPv6)."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_6TO4 = ipaddress.ip_network("2002::/16")


@dataclass(frozen=True, kw_only=True, slots=True)
class HostRules:
    """What an installation allows."""

    allow_private: bool = True
    """Databases usually live in private networks; public installations may say no."""
    forbidden: frozenset[tuple[str, int]] = frozenset()
    """(host, port) of Aiser's own stores."""

    def check(self, host: str, port: int) -> str:
        """`check_host` by these rules."""
        return self.addresses(host, port)[0]

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """All addresses of the host, each of them allowed, in the order of the resolver."""
        return _checked(host, port, self.allow_private, self.forbidden)


def host_rules(settings: Settings) -> HostRules:
    """The rules of this installation; its own stores on this machine are never sources."""
    urls = (
        settings.database_url,
        settings.redis_url,
        settings.state_redis_url,
        settings.chroma_url,
    )
    return HostRules(
        allow_private=settings.allow_private_hosts,
        forbidden=frozenset(pair for url in urls if (pair := _pair(url))),
    )


def check_host(
    host: str,
    *,
    allow_private: bool,
    port: int = 0,
    forbidden: Collection[tuple[str, int]] = (),
) -> str:
    """The address that the host stands for, if it may be connected to.

    Raises:
        InvalidInput: it may not.
        EngineUnavailable: nobody knows the name.
    """
    return _checked(host, port, allow_private, forbidden)[0]


def _checked(
    host: str, port: int, allow_private: bool, forbidden: Collection[tuple[str, int]]
) -> tuple[str, ...]:
    addresses = _resolved(host)
    for address in addresses:
        problem = _problem(address, allow_private)
        if problem:
            raise InvalidInput(f"The host cannot be used: {problem}.")
    if any(
        _same_place(address, other)
        for other, other_port in forbidden
        if other_port == port
        for address in addresses
    ):
        raise InvalidInput("At this address Aiser keeps its own data; it cannot be a source.")
    return tuple(str(address) for address in addresses)


def _resolved(host: str) -> tuple[IpAddress, ...]:
    try:
        return (ipaddress.ip_address(host),)
    except ValueError:
        pass
    if _NUMERIC.fullmatch(host) or not host or "%" in host:
        raise InvalidInput(
            "The host cannot be used: write an address as four decimal numbers, or use a name."
        )
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise EngineUnavailable(
            f"The host {host} is not known.",
            hint="Check the spelling, and that Aiser's machine can resolve the name.",
        ) from None
    # A scope such as fe80::1%eth0 is dropped: link-local addresses are refused anyhow.
    texts = dict.fromkeys(str(item[4][0]).partition("%")[0] for item in found)
    return tuple(ipaddress.ip_address(text) for text in texts)


def _problem(address: IpAddress, allow_private: bool) -> str | None:
    """Why an address may not be connected to; the IPv4 address inside an IPv6 one counts as well."""
    inner = _embedded(address)
    if inner is not None:
        return _problem(inner, allow_private)
    if address.is_link_local or address in _METADATA:
        return "its address belongs to the machine's own network services"
    if address.is_unspecified or address.is_multicast or _is_reserved(address):
        return "its address is not one of a single machine"
    if not allow_private and (address.is_loopback or not address.is_global):
        return "it is in a private network, which this installation does not allow"
    return None


def _embedded(address: IpAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for: mapped, NAT64, 6to4."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    if address in _6TO4:
        return ipaddress.IPv4Address(address.packed[2:6])
    return None


def _is_reserved(address: IpAddress) -> bool:
    """0.0.0.0/8 reaches the machine itself; 240.0.0.0/4 and broadcast reach nothing sensible."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.packed[0] == 0 or address.is_reserved
    return False


def _same_place(address: IpAddress, other: str) -> bool:
    """Whether a forbidden host is meant; all loopback addresses are the same machine."""
    try:
        others = _resolved(other)
    except (InvalidInput, EngineUnavailable):
        return False
    plain = _embedded(address) or address
    return any(plain == known or (plain.is_loopback and known.is_loopback) for known in others)


def _pair(url: str) -> tuple[str, int] | None:
    parts = urlsplit(url)
    default = {"postgresql": 5432, "postgres": 5432, "redis": 6379, "rediss": 6379}
    port = parts.port or default.get(parts.scheme.partition("+")[0], 8000)
    return (parts.hostname, port) if parts.hostname else None
