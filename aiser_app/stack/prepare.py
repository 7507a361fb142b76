"""What must be true before the first request: tables, the sample, a first owner or a setup link.

Runs as a process of its own (`python -m aiser_app.stack.prepare`) so that the process that watches
the stack stays small. Speaks JSON lines: `{"step", "seconds"}` per finished step, then
`{"setup_token"}`; on failure `{"error", "hint"}` and exit status 1.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from aiser_app.bootstrap.web import services
from aiser_app.config import Settings, current_settings
from aiser_app.db.migrations import upgrade_to_head
from aiser_app.errors import AiserError, ServiceUnavailable
from aiser_app.query.sample import ensure_sample

CLIENT = "command line"
"""Stands where a visitor's address stands in the audit trail."""
_DATABASE_SECONDS = 60.0
"""How long to wait for a database that is started beside us."""


def prepare(settings: Settings, report: Callable[[str, float], None]) -> str | None:
    """Do it all; returns a setup token when nobody owns this installation yet."""
    _timed(report, "Tables are up to date", lambda: migrate(settings))
    _timed(report, "Sample data is in place", lambda: ensure_sample(settings.sources_dir))
    accounts = services().accounts
    if accounts.is_set_up():
        return None
    if not settings.admin_email:
        return accounts.issue_setup_token()
    _timed(report, f"{settings.admin_email} owns this installation", lambda: _set_up(settings))
    return None


def migrate(settings: Settings) -> None:
    """Bring the tables to the newest version; waits for a database that is still starting."""
    deadline = time.monotonic() + _DATABASE_SECONDS
    while True:
        try:
            return upgrade_to_head(settings.database_url)
        except ServiceUnavailable:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


def _set_up(settings: Settings) -> None:
    services().accounts.set_up(
        token=None,
        organization_name=settings.organization_name,
        name=settings.admin_email.partition("@")[0],
        email=settings.admin_email,
        password=settings.admin_password,
        client=CLIENT,
    )


def _timed(report: Callable[[str, float], None], name: str, work: Callable[[], object]) -> None:
    begun = time.monotonic()
    work()
    report(name, time.monotonic() - begun)


def _say(content: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def main() -> int:
    try:
        token = prepare(
            current_settings(),
            lambda step, seconds: _say({"step": step, "seconds": round(seconds, 1)}),
        )
    except AiserError as error:
        _say({"error": error.message, "hint": error.hint})
        return 1
    _say({"setup_token": token})
    return 0


if __name__ == "__main__":
    sys.exit(main())
