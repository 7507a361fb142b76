"""Which requests are the API's; all others belong to the pages."""

from __future__ import annotations

PREFIX = "/api/v1"
PROBES = frozenset({"/livez", "/readyz"})


def is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/") or path in PROBES
