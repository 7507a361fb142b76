"""The work on a query: the request anew, and the gate. Only workers import this."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine

from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.encoding import decode
from aiser_app.domain.query_ask import Explaining, QueryAsk
from aiser_app.domain.run import Run, RunStatus
from aiser_app.errors import QueryInvalid
from aiser_app.query.journal import QueryJournal
from aiser_app.query.router import QueryRouter
from aiser_app.services.journals import EndingJournal
from aiser_app.services.query_requests import QueryRequests
from aiser_app.services.run_actors import actor_of
from aiser_app.services.run_execution import Ending
from aiser_app.services.step_lines import StepLines


class Querying:
    """One per worker process."""

    def __init__(
        self,
        engine: Engine,
        *,
        requests: QueryRequests,
        router_for: Callable[[QueryJournal], QueryRouter],
    ) -> None:
        self._engine = engine
        self._requests = requests
        self._router_for = router_for

    def work(self, run: Run, cancel: CancelToken, _steps: StepLines) -> Ending:
        """Run the query of a claimed run, with the rights that its user has now.

        Raises:
            AiserError: why there is no result, for the person who asked.
        """
        started_at = run.started_at or datetime.now(UTC)
        ask = decode(QueryAsk, run.request)
        with UnitOfWork(self._engine, each_alone=True) as uow:
            request = self._requests.build(
                uow,
                actor_of(uow, run),
                ask,
                run_id=run.run_id,
                queue_ms=(started_at - run.created_at).total_seconds() * 1000,
            )
        journal = EndingJournal(engine=self._engine, run=run)
        router = self._router_for(journal)
        if ask.explaining is Explaining.NO:
            result = router.run(request, cancel)
            return Ending(
                status=RunStatus.SUCCEEDED,
                outcome={"result_id": result.result_id},
                insert=journal.write,
            )
        plan = router.explain(request, cancel, actual=ask.explaining is Explaining.ACTUAL)
        if plan is None:
            raise QueryInvalid(
                "There is no plan of this query.",
                hint="This engine has none, or the query reads several data sources.",
            )
        shown = {"text": plan.text, "tree": plan.tree, "is_actual": plan.is_actual}
        return Ending(status=RunStatus.SUCCEEDED, outcome={"plan": shown})
