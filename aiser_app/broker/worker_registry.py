"""Which workers are alive: each says so every few seconds, and is forgotten when it stops."""

from __future__ import annotations

import json
from typing import Any, cast

from aiser_app.broker.connection import Connection, as_text, redis_errors

_NAMES = "workers"


class WorkerRegistry:
    """One expiring key per worker, and the set of their names."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def beat(self, name: str, info: dict[str, Any], seconds: int = 15) -> None:
        """Count as alive for the next `seconds`."""
        with redis_errors():
            pipeline = self._connection.pipeline()
            pipeline.set(_key(name), json.dumps(info), ex=seconds)
            pipeline.sadd(_NAMES, name)
            pipeline.execute()

    def live(self) -> list[dict[str, Any]]:
        """What the workers that are alive last said of themselves, with their `name`."""
        with redis_errors():
            names = sorted(as_text(n) for n in cast(set[bytes], self._connection.smembers(_NAMES)))
            if not names:
                return []
            found = cast(list[bytes | None], self._connection.mget([_key(n) for n in names]))
            gone = [name for name, info in zip(names, found, strict=True) if info is None]
            if gone:
                self._connection.srem(_NAMES, *gone)
        return [
            {**json.loads(info), "name": name}
            for name, info in zip(names, found, strict=True)
            if info is not None
        ]

    def is_live(self, name: str) -> bool:
        with redis_errors():
            return bool(name) and bool(self._connection.exists(_key(name)))

    def forget(self, name: str) -> None:
        """Stop counting as alive, at once."""
        with redis_errors():
            pipeline = self._connection.pipeline()
            pipeline.delete(_key(name))
            pipeline.srem(_NAMES, name)
            pipeline.execute()


def _key(name: str) -> str:
    return f"worker:{name}"
