"""The statements on the path of every run, made once: building one takes as long as running it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Table, Update, and_, bindparam, func, select, update

from aiser_app.db.models import DataSourceRow, ResultRow, RunRow
from aiser_app.db.models.run import OPEN_STATUSES
from aiser_app.db.plain_rows import table_of
from aiser_app.domain.run import RunStatus

RUNS = table_of(RunRow)
_RESULTS: Table = table_of(ResultRow)
_SOURCES: Table = table_of(DataSourceRow)

_IS_THAT_RUN = RUNS.c.run_id == bindparam("which")
_IS_THAT_ATTEMPT = RUNS.c.attempts == bindparam("attempt")
_IS_OF_USER = and_(
    RUNS.c.organization_id == bindparam("organization_id"), RUNS.c.user_id == bindparam("user_id")
)
_NOT_AWAITED: ColumnElement[Any] = func.set_config("synchronous_commit", "off", True)
"""Returned by a statement, it keeps its transaction from waiting for the disk."""


def _change(*conditions: ColumnElement[bool]) -> Update:
    return update(RUNS).where(_IS_THAT_RUN, *conditions)


FIND = select(RUNS).where(_IS_THAT_RUN)
FIND_OF_USER = select(RUNS).where(_IS_THAT_RUN, _IS_OF_USER)

CLAIM = (
    _change(RUNS.c.status == RunStatus.QUEUED.value)
    .values(
        status=RunStatus.RUNNING.value,
        attempts=RUNS.c.attempts + 1,
        worker=bindparam("new_worker"),
        started_at=func.coalesce(RUNS.c.started_at, bindparam("now")),
    )
    .returning(*RUNS.columns, _NOT_AWAITED)
)
FINISH = (
    _change(RUNS.c.status.in_(OPEN_STATUSES), _IS_THAT_ATTEMPT)
    .values(
        {
            name: bindparam(f"new_{name}", type_=RUNS.c[name].type)
            for name in ("status", "answer", "failure", "outcome", "steps", "finished_at")
        }
    )
    .returning(RUNS.c.run_id)
)
REQUEUE = (
    _change(RUNS.c.status == RunStatus.RUNNING.value, _IS_THAT_ATTEMPT)
    .values(status=RunStatus.QUEUED.value, worker=None)
    .returning(RUNS.c.run_id)
)
CANCEL_QUEUED = (
    _change(RUNS.c.status == RunStatus.QUEUED.value)
    .values(status=RunStatus.CANCELLED.value, finished_at=bindparam("now"))
    .returning(RUNS.c.run_id)
)


_EARLIER = RUNS.alias("earlier")
ADD_COUNTING = RUNS.insert().returning(
    select(func.count())
    .select_from(_EARLIER)
    .where(
        _EARLIER.c.user_id == bindparam("of_user"),
        _EARLIER.c.organization_id == bindparam("of_organization"),
        _EARLIER.c.kind == bindparam("of_kind"),
        _EARLIER.c.status.in_(OPEN_STATUSES),
    )
    .scalar_subquery()
)
"""The insert, and how many were open before it: a statement does not see its own rows."""

FIND_WHOLE = (
    select(
        *RUNS.columns, _SOURCES.c.name.label("source_name"), _RESULTS.c.envelope.label("envelope")
    )
    .select_from(RUNS)
    .outerjoin(
        _SOURCES,
        and_(
            _SOURCES.c.source_id == RUNS.c.source_id,
            _SOURCES.c.organization_id == RUNS.c.organization_id,
            _SOURCES.c.deleted_at.is_(None),
        ),
    )
    .outerjoin(
        _RESULTS,
        and_(
            _RESULTS.c.result_id
            == func.coalesce(
                RUNS.c.outcome["result_id"].astext, RUNS.c.answer[("result_ids", 0)].astext
            ),
            _RESULTS.c.organization_id == RUNS.c.organization_id,
            _RESULTS.c.user_id == RUNS.c.user_id,
        ),
    )
    .where(_IS_THAT_RUN, _IS_OF_USER)
)
