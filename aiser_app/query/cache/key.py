"""When two requests may share an answer: when everything that it depends on is the same.

Whoever asks is in the key by what they may see: the organization and the attributes that row
policies use, and the policies themselves with their content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from aiser_app.domain.actor import Claims
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import Policies
from aiser_app.domain.verdict import BoundParameter, ParameterValue

_FORM = 1
"""Raised when keys or envelopes change their meaning: what is kept then counts as unknown."""


def cache_key(
    *,
    sql: str,
    parameters: Sequence[BoundParameter],
    limit: int,
    sources: Sequence[DataSource],
    claims: Claims,
    policies: Sequence[Policies],
    timezone: str = "UTC",
    route: Sequence[str] = (),
) -> str:
    """A digest that is equal exactly when the answer may be shared.

    Args:
        sql: as the guard has written it, parameters by name.
        parameters: values in the order of their places; tokens are by chance and do not count.
        limit: most rows that are kept.
        sources: in the order in which the query names them; with the version of their data.
        claims: of whoever asks.
        policies: those of each source that apply to whoever asks.
        timezone: in which days and hours are meant.
        route: what else it depends on, where it does not come from the source's own engine.
    """
    named = len(sources) > 1  # a query over several says by name which one it means
    content = [
        _FORM,
        sql,
        [[parameter.name, _tagged(parameter.value)] for parameter in parameters],
        limit,
        [
            [source.source_id, source.data_version, source.engine, source.name if named else ""]
            for source in sources
        ],
        claims.organization_id,
        claims.hash,
        [_written(found) for found in policies],
        timezone,
        *([list(route)] if route else []),
    ]
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _tagged(value: ParameterValue) -> list[Any]:
    """The value with its type: 1, 1.0, true and "1" are four different ones."""
    kind = type(value).__name__
    if isinstance(value, datetime | date):
        return [kind, value.isoformat()]
    if isinstance(value, float):
        return [kind, value.hex()]
    return [kind, str(value) if isinstance(value, Decimal | int) else value]


def _written(policies: Policies) -> list[list[list[str]]]:
    """Names and content, whatever their order."""
    rows = sorted([policy.name, policy.table, policy.condition] for policy in policies.rows)
    masks = sorted([m.name, m.table, m.column, m.kind.value] for m in policies.masks)
    return [rows, masks]
