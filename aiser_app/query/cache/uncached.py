"""A cache that holds nothing, for processes without Redis: every request runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from typing_extensions import override

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.result import Result
from aiser_app.query.cache.result_cache import Fetched, How, ResultCache


class Uncached(ResultCache):
    @override
    def __init__(self) -> None:
        pass

    @override
    def find(self, key: str) -> Result | None:
        return None

    @override
    def fetch_told(
        self,
        key: str,
        *,
        sources: Sequence[str],
        ttl_seconds: float | None,
        cancel: CancelToken,
        load: Callable[[], Result],
        reuse: Callable[[Result], Result | None],
        bypass: bool = False,
        stale_ok_seconds: float = 0.0,
        refresh: Callable[[], None] | None = None,
        wait_seconds: float | None = None,
    ) -> Fetched:
        return Fetched(result=load(), how=How.UNCACHED)

    @override
    def invalidate(self, source_id: str) -> int:
        return 0
