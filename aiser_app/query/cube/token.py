"""The token that tells Cube on whose behalf a query comes: its security context, signed (HS256)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from aiser_app.domain.actor import Actor

ISSUER = "aiser"
_HEADER = {"alg": "HS256", "typ": "JWT"}


def context_of(actor: Actor) -> dict[str, Any]:
    """What Cube's rules can use of a person; part of every cache key of a result by Cube."""
    return {
        "organization": actor.organization_id,
        "user": actor.user_id,
        "role": actor.role.value,
        "attributes": dict(sorted(actor.attributes.items())),
    }


def signed_token(context: Mapping[str, Any], secret: str, *, now: float, seconds: float) -> str:
    """A token of `context` that ends `seconds` after `now` (seconds of the epoch)."""
    issued = int(now)
    content = {**context, "iss": ISSUER, "iat": issued, "exp": issued + max(1, int(seconds))}
    signed = f"{_encoded(_HEADER)}.{_encoded(content)}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64(signature)}"


def _encoded(content: Mapping[str, Any]) -> str:
    return _base64(json.dumps(content, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
