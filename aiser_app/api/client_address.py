"""Where a request comes from, for limits on tries and for the audit trail."""

from __future__ import annotations

from starlette.requests import Request


def client_address(request: Request, trusted_hops: int) -> str:
    """The peer's address, or what the outermost trusted proxy saw.

    Each proxy appends the address it saw to X-Forwarded-For, so with n trusted proxies the n-th
    from the right is true, and everything left of it is the client's own claim.
    """
    peer = request.client.host if request.client else "unknown"
    if trusted_hops == 0:
        return peer
    header = ",".join(request.headers.getlist("x-forwarded-for"))
    seen = [part.strip() for part in header.split(",") if part.strip()]
    return seen[-trusted_hops][:64] if len(seen) >= trusted_hops else peer
