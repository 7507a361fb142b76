"""Loopback ports for the embedded servers: kept between starts, replaced when somebody took them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from pathlib import Path

import psutil


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """True when nobody listens there now and a server could."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        caller.settimeout(1)
        if caller.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def port_user(port: int) -> str | None:
    """Name and pid of the program that listens on a port, when the system tells us."""
    try:
        connections = psutil.net_connections(kind="tcp")
        for connection in connections:
            at = connection.laddr.port if connection.laddr else None
            if connection.status == psutil.CONN_LISTEN and at == port:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return None


def free_ports(count: int) -> list[int]:
    """Different ports that are free now; chosen by the system, all held until all are known."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def keep_ports(file: Path, names: Iterable[str]) -> dict[str, int]:
    """Ports by name: those of the last start where still free, fresh ones for the rest."""
    names = list(names)
    kept = {name: port for name, port in _read(file).items() if name in names and is_free(port)}
    missing = [name for name in names if name not in kept]
    fresh = [port for port in free_ports(len(names) + len(missing)) if port not in kept.values()]
    kept.update(zip(missing, fresh, strict=False))
    file.write_text(json.dumps(kept))
    return kept


def _read(file: Path) -> dict[str, int]:
    try:
        content = json.loads(file.read_text())
        return {str(name): int(port) for name, port in content.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
