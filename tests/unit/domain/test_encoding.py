"""Every domain object survives the way to JSON and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from aiser_app.domain.actor import Actor, Claims, Role
from aiser_app.domain.answer import (
    Answer,
    Chip,
    Clarification,
    Confidence,
    ConfidencePart,
    ReasoningStep,
)
from aiser_app.domain.catalog import Catalog, ColumnProfile, KeyLink, TableProfile
from aiser_app.domain.chart import Chart, ChartKind, ChartSpec
from aiser_app.domain.conversation import Conversation, Turn
from aiser_app.domain.data_source import DataSource, SourceStatus
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.person import ApiKey, SignedIn, User
from aiser_app.domain.result import Column, Result
from aiser_app.domain.run import EventKind, Run, RunEvent, RunFailure, RunStatus
from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    SemanticModel,
)
from aiser_app.domain.semantic_query import (
    DimensionRef,
    Filter,
    FilterOperator,
    Granularity,
    Order,
    SemanticQuery,
    TimeDimension,
)
from aiser_app.domain.verdict import Allowed, Denied, Statement
from aiser_app.errors import InvalidInput

NOW = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)

ACTOR = Actor(
    user_id="u1", organization_id="o1", role=Role.ANALYST, permissions=frozenset({"ask"}),
    name="Ada", email="ada@example.org", attributes={"region": "north"},
)  # fmt: skip
QUERY = SemanticQuery(
    measures=("sales.sum_amount",),
    dimensions=(DimensionRef(member="places.city", role="origin"),),
    time_dimensions=(
        TimeDimension(
            dimension="sales.sold_at", granularity=Granularity.MONTH,
            date_range=("2026-01-01", "2026-01-31"),
        ),
    ),
    filters=(Filter(member="sales.kind", operator=FilterOperator.NOT_EQUALS, values=("a", "b")),),
    order=(Order(member="sales.sum_amount", descending=True),),
    limit=5,
)  # fmt: skip
MODEL = SemanticModel(
    source_id="s1",
    version=3,
    cubes=(
        Cube(
            name="sales", table="sales", title="Sales", row_count=9, primary_key=("id",),
            default_time_dimension="sold_at", synonyms=("deals",),
            dimensions=(
                Dimension(
                    name="kind", column="kind", type=DimensionType.STRING, title="Kind",
                    values=("a", "b"), distinct_count=2, null_fraction=0.25, minimum="a", maximum="b",
                ),
            ),
            measures=(
                Measure(
                    name="sum_amount", aggregation=Aggregation.SUM, column="amount",
                    title="Total amount", unit="EUR",
                ),
            ),
            joins=(Join(target="places", columns=(("city_id", "id"),), role="origin", score=0.8),),
        ),
    ),
)  # fmt: skip
ANSWER = Answer(
    text="Berlin has the highest total amount: €12.40.",
    headline="€12.40",
    result_ids=("r1",),
    chart=Chart(
        spec=ChartSpec(kind=ChartKind.BAR, title="T", x="city", y=("sum_amount",), unit="EUR"),
        option={"series": [{"data": [1, 2.5, None]}]},
    ),
    semantic_query=QUERY,
    chips=(Chip(key="show", value="Total amount"),),
    steps=(ReasoningStep(kind="deductive", claim="c", how="h", evidence="e", confidence=0.9),),
    evidence=("r1",),
    caveats=("Only the first 5 rows were kept; there are more.",),
    confidence=Confidence(
        score=0.93, parts=(ConfidencePart(name="Joins", measured="1", score=0.8),)
    ),
    follow_ups=("By month",),
    clarification=Clarification(question="Which?", options=("a", "b"), unknown_words=("x",)),
    usage={"tokens": 0},
)
RUN = Run(
    run_id="run1", organization_id="o1", user_id="u1", conversation_id="c1", turn_id="t1",
    source_id="s1", question="Which city?", status=RunStatus.ANSWERED, attempts=1, created_at=NOW,
    deadline_at=NOW, started_at=NOW, finished_at=NOW, answer=ANSWER,
    failure=RunFailure(code="x", message="m", hint="h"),
    steps=({"key": "query", "title": "Query", "duration_ms": 3.5},),
)  # fmt: skip
RESULT = Result(
    result_id="r1", organization_id="o1", source_id="s1",
    columns=(Column(name="city", type="string", title="City"),), row_count=2, truncated=False,
    limit=10, as_of=NOW, duration_ms=1.5, engine="duckdb", route="direct", why="one source",
    sql="select 1", tables=("sales",), claims_hash="h", rows_read=None,
)  # fmt: skip
SOURCE = DataSource(
    source_id="s1", organization_id="o1", name="Sample", engine="duckdb",
    options={"path": "a.duckdb"}, status=SourceStatus.SYNCING, synced_at=NOW,
)  # fmt: skip
USER = User(
    user_id="u1", organization_id="o1", name="Ada", email="a@b.c", role=Role.OWNER,
    is_active=True, created_at=NOW,
)  # fmt: skip
CATALOG = Catalog(
    source_id="s1",
    tables=(
        TableProfile(
            name="sales", row_count=9,
            columns=(ColumnProfile(name="kind", type="string", values=("a",), is_unique=True),),
        ),
    ),
    links=(
        KeyLink(
            table="sales", target="places", columns=(("city_id", "id"),), name_score=1.0,
            containment=0.5, declared=True,
        ),
    ),
)  # fmt: skip
OBJECTS = [
    ACTOR,
    ACTOR.claims,
    QUERY,
    MODEL,
    ANSWER,
    RUN,
    RESULT,
    SOURCE,
    USER,
    CATALOG,
    SignedIn(actor=ACTOR, session_token="t", expires_at=NOW),
    ApiKey(
        api_key_id="k", name="n", prefix="p", created_at=NOW, expires_at=None, last_used_at=NOW
    ),
    RunEvent(run_id="run1", seq=1, kind=EventKind.STEP, payload={"state": "done"}, at=NOW),
    Conversation(
        conversation_id="c1", organization_id="o1", user_id="u1", title="T", source_id="s1",
        created_at=NOW, updated_at=NOW,
    ),
    Turn(turn_id="t1", position=0, question="q", run=RUN),
    Allowed(statement=Statement(sql="select 1"), tables=("sales",), columns=("kind",), claims=ACTOR.claims),
    Denied(reason="no"),
    Claims(organization_id="o1"),
]  # fmt: skip


@pytest.mark.parametrize("value", OBJECTS, ids=lambda v: type(v).__name__)
def test_round_trip_through_json_text(value: object) -> None:
    text = json.dumps(encode(value))
    assert decode(type(value), json.loads(text)) == value


def test_unknown_fields_are_ignored_so_that_old_rows_stay_readable() -> None:
    data = encode(QUERY) | {"field_of_another_version": 1}
    assert decode(SemanticQuery, data) == QUERY


def test_missing_fields_take_their_defaults() -> None:
    assert decode(SemanticQuery, {"measures": ["sales.count"]}) == SemanticQuery(
        measures=("sales.count",)
    )


def test_wrong_shape_names_the_field_and_not_the_value() -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(SemanticQuery, {"limit": "secret"})
    assert "limit" in caught.value.message
    assert "secret" not in caught.value.message


def test_an_unknown_member_of_an_enum_is_refused() -> None:
    with pytest.raises(InvalidInput):
        decode(Filter, {"member": "a.b", "operator": "drop table"})


def test_something_that_is_no_object_at_all_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Not a valid Run"):
        decode(Run, "run")
