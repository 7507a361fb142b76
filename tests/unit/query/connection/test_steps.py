"""The test of a connection says which step failed, and what to do about it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from aiser_app.domain.connection import ConnectionReport, ConnectionStep
from aiser_app.errors import EngineUnavailable, InvalidInput
from aiser_app.query.connection import (
    NOT_ENCRYPTED,
    Address,
    HostRules,
    SignedIn,
    StepFailed,
    failed_report,
    read_address,
    steps,
)

ALL = list(ConnectionStep)


@dataclass
class Session:
    is_encrypted: bool = True
    warnings: Sequence[str] = ()
    closed: list[bool] = field(default_factory=list)

    def signed_in(self) -> SignedIn[Session]:
        return SignedIn(
            session=self,
            server_version="18.1",
            is_encrypted=self.is_encrypted,
            close=lambda: self.closed.append(True),
        )


@pytest.fixture
def listening() -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield replace(
            read_address("postgresql://ada:secret@127.0.0.1/shop"), port=server.getsockname()[1]
        )


def tried(
    address: Address,
    session: Session,
    sign_in: Callable[[], SignedIn[Session]] | None = None,
    rights: Callable[[Session], Sequence[str]] = lambda session: session.warnings,
    rules: HostRules | None = None,
) -> ConnectionReport:
    return steps.test_network(
        address,
        timeout=2,
        rules=rules or HostRules(),
        sign_in=sign_in or session.signed_in,
        rights=rights,
    )


def test_a_good_connection_passes_every_step(listening: Address) -> None:
    session = Session(warnings=["The role may change data."])
    report = tried(listening, session)
    assert report.is_ok
    assert [step.step for step in report.steps] == ALL
    assert report.warnings == ("The role may change data.",)
    assert report.server_version == "18.1"
    assert session.closed == [True]


def test_an_open_connection_is_warned_of(listening: Address) -> None:
    report = tried(listening, Session(is_encrypted=False))
    assert report.is_ok
    assert report.warnings == (NOT_ENCRYPTED,)
    assert report.steps[3].message == "Not encrypted."


def test_a_host_that_may_not_be_used(listening: Address) -> None:
    report = tried(listening, Session(), rules=HostRules(allow_private=False))
    assert report.failed_step is not None
    assert report.failed_step.step is ConnectionStep.NAME
    assert "private network" in report.failed_step.message


def test_an_unknown_host(listening: Address) -> None:
    report = tried(replace(listening, host="nowhere.invalid"), Session())
    assert report.failed_step is not None
    assert report.failed_step.step is ConnectionStep.NAME
    assert "nowhere.invalid is not known" in report.failed_step.message
    assert "spelling" in report.failed_step.message


def test_nothing_listens(listening: Address) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    report = tried(replace(listening, port=port), Session())
    assert [step.step for step in report.steps] == ALL[:3]
    assert report.failed_step is not None
    assert f"Nothing listens on port {port} of 127.0.0.1." in report.failed_step.message


def test_nobody_answers(listening: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    report = tried(listening, Session())
    assert report.failed_step is not None
    assert report.failed_step.step is ConnectionStep.TCP
    assert "within 2 s" in report.failed_step.message
    assert "firewall" in report.failed_step.message


def test_any_address_of_the_host_will_do(
    listening: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(0, 0, 0, "", (place, 0)) for place in ("::1", "127.0.0.1")]
    monkeypatch.setattr(steps.socket, "getaddrinfo", lambda *_, **__: found)
    opened = socket.socket
    tries: list[str] = []

    def connect(place: tuple[str, int], timeout: float) -> socket.socket:
        tries.append(place[0])
        if place[0] == "::1":
            raise ConnectionRefusedError
        made = opened(socket.AF_INET)
        made.settimeout(timeout)
        made.connect(place)
        return made

    monkeypatch.setattr(socket, "create_connection", connect)
    assert tried(replace(listening, host="db.example"), Session()).is_ok
    assert tries == ["::1", "127.0.0.1"]


@pytest.mark.parametrize(("step", "count"), [(ConnectionStep.TLS, 4), (ConnectionStep.SIGN_IN, 5)])
def test_signing_in_says_which_step_failed(
    listening: Address, step: ConnectionStep, count: int
) -> None:
    def refused() -> SignedIn[Session]:
        raise StepFailed(step, "Check this.")

    report = tried(listening, Session(), sign_in=refused)
    assert [outcome.step for outcome in report.steps] == ALL[:count]
    assert report.failed_step is not None
    assert report.failed_step.message == "Check this."
    assert not report.server_version


def test_errors_of_aiser_on_the_way_are_the_steps_failure(listening: Address) -> None:
    def refused() -> SignedIn[Session]:
        raise EngineUnavailable("It went away.", hint="Try again.")

    report = tried(listening, Session(), sign_in=refused)
    assert report.failed_step is not None
    assert report.failed_step.step is ConnectionStep.SIGN_IN
    assert report.failed_step.message == "It went away. Try again."


def test_rights_that_read_nothing_fail_and_the_session_is_closed(listening: Address) -> None:
    def nothing(_: Session) -> Sequence[str]:
        raise StepFailed(ConnectionStep.RIGHTS, "GRANT SELECT.")

    session = Session()
    report = tried(listening, session, rights=nothing)
    assert [outcome.step for outcome in report.steps] == ALL
    assert report.failed_step is not None
    assert report.failed_step.message == "GRANT SELECT."
    assert session.closed == [True]


def test_an_address_that_cannot_be_used_is_a_report_too() -> None:
    report = failed_report(ConnectionStep.ADDRESS, InvalidInput("Not a URL."))
    assert not report.is_ok
    assert report.failed_step is not None
    assert report.failed_step.message == "Not a URL."
