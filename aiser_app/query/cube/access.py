"""The Cube of a source: how to reach it, with which token, what it says of itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aiser_app.domain.actor import Actor
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionReport, ConnectionStep
from aiser_app.domain.data_source import CUBE_SECRET, CUBE_URL, DataSource
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.errors import AiserError, EngineUnavailable, InvalidInput
from aiser_app.query.connection import (
    Address,
    HostRules,
    SignedIn,
    StepFailed,
    failed_report,
    test_network,
)
from aiser_app.query.cube.address import checked_secret, read_cube_url
from aiser_app.query.cube.client import CubeClient
from aiser_app.query.cube.failures import (
    CubeFailed,
    CubeNotTrusted,
    CubeUnreachable,
    unreadable,
)
from aiser_app.query.cube.model import CubeModel, model_of_meta
from aiser_app.query.cube.probing import known_of
from aiser_app.query.cube.token import context_of, signed_token
from aiser_app.query.cube.transport import Patience, Transport

Found = TypeVar("Found")

CONNECT_SECONDS = 3.0
"""At most, to reach its port: whoever asks waits for it before the other way is tried."""
META_SECONDS = 30.0
"""For reading a model, which Cube may have to compile first."""
TOKEN_SECONDS = 60.0
"""That a token lives longer than the query it is for."""


@dataclass(frozen=True, kw_only=True)
class CubeAccess:
    """One per process; holds nothing that changes."""

    seal: Callable[[str], str]
    unseal: Callable[[str], str]
    rules: HostRules

    def attached(self, source: DataSource, url: str, secret: str) -> dict[str, str]:
        """The options of the source with this Cube.

        Raises:
            InvalidInput: the address or the secret cannot be used.
        """
        address = read_cube_url(url)
        sealed = self.seal(checked_secret(secret))
        return {**source.options, CUBE_URL: address.url, CUBE_SECRET: sealed}

    def client(self, source: DataSource) -> CubeClient:
        address = read_cube_url(source.cube_url)
        seconds = min(CONNECT_SECONDS, source.settings.connect_timeout_seconds)
        return CubeClient(
            transport=Transport(address=address, rules=self.rules, connect_seconds=seconds)
        )

    def token(self, source: DataSource, actor: Actor, seconds: float) -> str:
        """For one query of this person. Raises `CubeFailed` when the secret cannot be read."""
        try:
            secret = self.unseal(source.options.get(CUBE_SECRET, ""))
        except AiserError:
            raise CubeFailed(
                "The API secret of Cube cannot be decrypted.", hint="Attach the Cube again."
            ) from None
        return signed_token(
            context_of(actor), secret, now=time.time(), seconds=seconds + TOKEN_SECONDS
        )

    def model(
        self,
        source: DataSource,
        actor: Actor,
        *,
        inferred: SemanticModel,
        tables: Collection[str],
        dialect: str,
        cancel: CancelToken,
    ) -> CubeModel:
        """Cube's model, as this person gets it, with what is known of the data.

        Args:
            source: with a Cube attached.
            actor: whose claims choose the model, where Cube has one for each tenant.
            inferred: what a sync has measured, without tables that are hidden from the agent.
            tables: all tables of the catalog; those that `inferred` lacks may be hidden.
            dialect: of the source's SQL.
            cancel: stops it.

        Raises:
            CubeFailed: there is none to be had.
            QueryCancelled: it was stopped.
        """
        client = self.client(source)
        patience = patience_of(META_SECONDS, META_SECONDS, cancel)
        token = self.token(source, actor, META_SECONDS)
        meta = reached(lambda: client.meta(token, patience))
        known = known_of(
            inferred,
            tables,
            dialect,
            source.options.get("schema", ""),
            lambda query: client.sql(query, (), token, patience),
        )
        return model_of_meta(meta, known)

    def test(self, source: DataSource, actor: Actor) -> ConnectionReport:
        """Try its Cube step by step: name, port, certificate, token, model."""
        try:
            address = read_cube_url(source.cube_url)
            client, token = self.client(source), self.token(source, actor, META_SECONDS)
        except AiserError as error:
            return failed_report(ConnectionStep.ADDRESS, error)

        def sign_in() -> SignedIn[Mapping[str, Any]]:
            patience = patience_of(META_SECONDS, META_SECONDS, CancelToken())
            try:
                meta = client.meta(token, patience)
            except CubeNotTrusted as error:
                raise StepFailed(ConnectionStep.TLS, f"{error.message} {error.hint}") from error
            return SignedIn(
                session=meta,
                server_version="Cube",
                is_encrypted=address.is_encrypted,
                close=lambda: None,
            )

        return test_network(
            Address(
                engine="cube",
                scheme=address.scheme,
                user="",
                password="",
                host=address.host,
                port=address.port,
                database="",
            ),
            timeout=client.transport.connect_seconds,
            rules=self.rules,
            sign_in=sign_in,
            rights=_warnings,
        )


def _warnings(meta: Mapping[str, Any]) -> list[str]:
    cubes = meta.get("cubes")
    if not isinstance(cubes, list):
        raise StepFailed(ConnectionStep.RIGHTS, unreadable().message)
    if not cubes:
        raise StepFailed(
            ConnectionStep.RIGHTS,
            "Cube shows no cubes to this token. Check its model, and what its rules say of it.",
        )
    return []


def patience_of(seconds: float, answer_seconds: float, cancel: CancelToken) -> Patience:
    return Patience(until=time.monotonic() + seconds, answer_seconds=answer_seconds, cancel=cancel)


def reached(call: Callable[[], Found]) -> Found:
    """What `call` says; a host that may not be reached, or is not known, counts as no answer."""
    try:
        return call()
    except (InvalidInput, EngineUnavailable) as error:
        raise CubeUnreachable(f"Cube cannot be reached. {error.message}") from error
