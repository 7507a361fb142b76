"""Why Cube did not answer a query: never its own words, which may hold data or addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from aiser_app.errors import AiserError


class CubeNotUsed(AiserError):
    """The query goes another way; `message` is the reason, a whole sentence."""

    code: ClassVar[str] = "cube_not_used"
    http_status: ClassVar[int] = 503
    retryable: ClassVar[bool] = True
    is_failure: ClassVar[bool] = False
    """Cube was asked, or should have been: readers are told beside the answer."""


class CubeFailed(CubeNotUsed):
    """Cube does not answer, refuses, or says what cannot be read."""

    code: ClassVar[str] = "cube_failed"
    is_failure: ClassVar[bool] = True


class CubeUnreachable(CubeFailed):
    """There is nobody to talk to; for a moment others need not try."""

    code: ClassVar[str] = "cube_unreachable"


class CubeNotTrusted(CubeUnreachable):
    """Its certificate is not one for its address, or there is no encryption at all."""

    code: ClassVar[str] = "cube_not_trusted"


def unreadable() -> CubeFailed:
    return CubeFailed("Cube's answer could not be read.")


def failure_of(status: int, body: Mapping[str, Any], members: Iterable[str]) -> CubeFailed:
    """What an HTTP status other than 200 means. Of Cube's text only our own names are repeated."""
    if status in (401, 403):
        return CubeFailed(
            "Cube refuses Aiser's token.",
            hint="An administrator can check that the API secret is the one of this Cube, "
            "and that its rules let this person in.",
        )
    if 300 <= status < 400:
        return CubeFailed(
            "The address of Cube leads elsewhere.", hint="Enter the address that it leads to."
        )
    if status == 404:
        return CubeFailed("At this address there is no Cube API.")
    if status == 429:
        return CubeFailed("Cube has too much to do at the moment.")
    if status == 400:
        return _refused(str(body.get("error", "")), members)
    return CubeFailed(f"Cube failed (status {status}).")


def _refused(text: str, members: Iterable[str]) -> CubeFailed:
    named = next((name for name in sorted(members) if "not found" in text and name in text), None)
    if named is not None:
        return CubeFailed(
            f"Cube does not know “{named[:80]}”.",
            hint="Synchronize the source: Cube's model may have changed.",
        )
    return CubeFailed("Cube could not run this query.")
