"""Reaching a Cube: tests of a connection, its model, certificates, sizes."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import replace

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionStep
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.errors import InvalidInput, QueryCancelled, QueryTimedOut
from aiser_app.query.connection import HostRules
from aiser_app.query.cube.failures import CubeFailed, CubeUnreachable
from aiser_app.query.cube.transport import Patience, Transport
from tests.unit.query.builders import an_actor
from tests.unit.query.cube.desk import CubeDesk
from tests.unit.query.cube.scripted import (
    ScriptedCube,
    hangs,
    redirects,
    says,
    scripted_cube,
    speaks_another_protocol,
)

META = {"cubes": [{"name": "items", "measures": [{"name": "items.count", "aggType": "count"}]}]}


def patience(seconds: float = 5, answer: float = 2, cancel: CancelToken | None = None) -> Patience:
    return Patience(
        until=time.monotonic() + seconds, answer_seconds=answer, cancel=cancel or CancelToken()
    )


def report_of(desk: CubeDesk) -> tuple[bool, str, str]:
    found = desk.access.test(desk.source, an_actor())
    failed = found.failed_step
    return found.is_ok, failed.step.value if failed else "", failed.message if failed else ""


def test_a_cube_that_works(desk: CubeDesk) -> None:
    desk.cube.on("/meta?extended", says(META))
    found = desk.access.test(desk.source, an_actor())
    assert found.is_ok
    assert [step.step for step in found.steps] == list(ConnectionStep)
    assert "not encrypted" in found.warnings[0]


def test_a_cube_that_does_not(desk: CubeDesk) -> None:
    desk.cube.on("/meta?extended", says({"error": "Invalid token"}, 403))
    is_ok, step, message = report_of(desk)
    assert (is_ok, step) == (False, "sign_in")
    assert "API secret" in message
    desk.cube.on("/meta?extended", says({"cubes": []}))
    assert report_of(desk)[1] == "rights"
    desk.cube.on("/meta?extended", says({"cubes": 1}))
    assert report_of(desk)[1] == "rights"
    desk.cube.on("/meta?extended", says([]))
    assert report_of(desk)[1] == "sign_in"
    with scripted_cube() as other:
        gone = other.url
    desk.source = replace(desk.source, options={**desk.source.options, "cube_url": gone})
    assert report_of(desk)[1] == "tcp"
    desk.source = replace(desk.source, options={"cube_url": "nonsense"})
    assert report_of(desk)[1] == "address"


def test_a_model(desk: CubeDesk) -> None:
    desk.cube.on("/meta?extended", says(META)).on(
        "/sql", says({"sql": {"sql": ["SELECT 1 FROM items"]}})
    )
    inferred = SemanticModel(source_id="s", cubes=())

    def read() -> SemanticModel:
        return desk.access.model(
            desk.source,
            an_actor(),
            inferred=inferred,
            tables=["items"],
            dialect="duckdb",
            cancel=CancelToken(),
        ).model

    # The only table is not among those that may be shown.
    assert read().cubes == ()
    desk.cube.on("/meta?extended", says({}, 500))
    with pytest.raises(CubeFailed):
        read()


def test_what_is_attached_is_sealed(desk: CubeDesk) -> None:
    options = desk.access.attached(desk.source, "http://cube:4000", "abc")
    assert options == {
        "path": "data.duckdb",
        "cube_url": "http://cube:4000/cubejs-api/v1",
        "cube_secret": "cba",
    }
    with pytest.raises(InvalidInput):
        desk.access.attached(desk.source, "nonsense", "abc")
    with pytest.raises(InvalidInput):
        desk.access.attached(desk.source, "http://cube:4000", "")


def transport(desk: CubeDesk, **changes: object) -> Transport:
    return replace(desk.access.client(desk.source).transport, **changes)


def test_an_answer_that_is_too_large(desk: CubeDesk) -> None:
    desk.cube.on("/meta", says(b"x" * 2_000))
    small = transport(desk, max_body_bytes=1_000)
    with pytest.raises(CubeFailed, match="too large"):
        small.exchange("GET", "/meta", None, "t", patience())


def test_redirects_are_not_followed(desk: CubeDesk) -> None:
    with scripted_cube() as other:
        other.on("/meta", says({}))
        desk.cube.on("/meta", redirects(f"{other.url}/cubejs-api/v1/meta"))
        assert transport(desk).exchange("GET", "/meta", None, "t", patience()).status == 302
        assert other.requests == []


def test_what_is_no_http(desk: CubeDesk) -> None:
    desk.cube.on("/meta", speaks_another_protocol)
    with pytest.raises(CubeFailed, match="broke off"):
        transport(desk).exchange("GET", "/meta", None, "t", patience())


def test_a_port_without_encryption(desk: CubeDesk, cube: ScriptedCube) -> None:
    desk.source = replace(
        desk.source, options={"cube_url": f"https://127.0.0.1:{cube.port}/cubejs-api/v1"}
    )
    with pytest.raises(CubeUnreachable, match="certificate"):
        transport(desk).exchange("GET", "/meta", None, "t", patience())
    assert report_of(desk)[1] == "tls"


def test_certificates_are_verified_by_default(desk: CubeDesk) -> None:
    context = transport(desk).tls()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_hosts_are_judged(desk: CubeDesk) -> None:
    forbidden = HostRules(forbidden=frozenset({("127.0.0.1", desk.cube.port)}))
    with pytest.raises(InvalidInput):
        transport(desk, rules=forbidden).exchange("GET", "/meta", None, "t", patience())
    with pytest.raises(InvalidInput):
        transport(desk, rules=HostRules(allow_private=False)).exchange(
            "GET", "/meta", None, "t", patience()
        )
    assert desk.cube.requests == []


def test_any_address_of_a_host_will_do(desk: CubeDesk) -> None:
    class TwoAddresses(HostRules):
        def addresses(self, host: str, port: int) -> tuple[str, ...]:
            return ("127.0.0.2", "127.0.0.1") if host == "127.0.0.1" else ()

    desk.cube.on("/meta", says({}))
    found = transport(desk, rules=TwoAddresses()).exchange("GET", "/meta", None, "t", patience())
    assert found.status == 200


def test_time_that_is_over(desk: CubeDesk, over: threading.Event) -> None:
    desk.cube.on("/meta", hangs(over))
    with pytest.raises(QueryTimedOut):
        transport(desk).exchange("GET", "/meta", None, "t", patience(seconds=-1))
    with pytest.raises(QueryTimedOut):
        transport(desk).exchange("GET", "/meta", None, "t", patience(seconds=0.2))
    with pytest.raises(CubeUnreachable, match=r"within 0\.2 s"):
        transport(desk).exchange("GET", "/meta", None, "t", patience(answer=0.2))


def test_a_pause_ends_at_a_stop() -> None:
    cancel = CancelToken()
    timer = threading.Timer(0.1, cancel.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(QueryCancelled):
        patience(seconds=60, cancel=cancel).pause(50)
    assert time.monotonic() - started < 20
    timer.join()
