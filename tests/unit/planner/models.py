"""Hand-made semantic models of three unrelated domains."""

from __future__ import annotations

from typing import Any

from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    SemanticModel,
)

_FOLDS = ("sum", "avg", "min", "max", "median")
_TITLES = {
    "sum": "Total", "avg": "Average", "min": "Minimum", "max": "Maximum", "median": "Median",
    "count_distinct": "Number of different",
}  # fmt: skip


def text(name: str, title: str = "", **more: Any) -> Dimension:
    return _dimension(name, title, DimensionType.STRING, more)


def number(name: str, title: str = "", **more: Any) -> Dimension:
    return _dimension(name, title, DimensionType.NUMBER, more)


def time(name: str, title: str = "", **more: Any) -> Dimension:
    return _dimension(name, title, DimensionType.TIME, more)


def flag(name: str, title: str = "") -> Dimension:
    return _dimension(name, title, DimensionType.BOOLEAN, {})


def _dimension(name: str, title: str, kind: DimensionType, more: dict[str, Any]) -> Dimension:
    title = title or name.replace("_", " ").capitalize()
    return Dimension(name=name, column=name, type=kind, title=title, **more)


def cube(name: str, *dimensions: Dimension, **more: Any) -> Cube:
    title = str(more.pop("title", name.replace("_", " ").capitalize()))
    measures = [
        Measure(
            name="count",
            aggregation=Aggregation.COUNT,
            column="",
            title=f"Number of {title.lower()}",
        )
    ]
    for d in dimensions:
        if d.type is DimensionType.NUMBER and not d.is_key:
            measures += [_measure(f, d) for f in _FOLDS]
        if d.type is not DimensionType.TIME:
            measures.append(_measure("count_distinct", d))
    return Cube(
        name=name, table=name, title=title, dimensions=dimensions, measures=tuple(measures), **more
    )


def _measure(fold: str, d: Dimension) -> Measure:
    return Measure(
        name=f"{fold}_{d.column}", aggregation=Aggregation(fold), column=d.column,
        title=f"{_TITLES[fold]} {d.title.lower()}", unit=d.unit if fold != "count_distinct" else "",
    )  # fmt: skip


def join(target: str, own: str, key: str, role: str = "", score: float = 0.9) -> Join:
    return Join(target=target, columns=((own, key),), role=role, score=score)


FLIGHTS = SemanticModel(
    source_id="flights",
    cubes=(
        cube(
            "airlines",
            text("carrier", is_key=True, distinct_count=16),
            text(
                "name", is_label=True, distinct_count=16,
                values=(
                    "Endeavor Air Inc.", "American Airlines Inc.", "Alaska Airlines Inc.",
                    "JetBlue Airways", "Delta Air Lines Inc.", "ExpressJet Airlines Inc.",
                    "Frontier Airlines Inc.", "United Air Lines Inc.", "US Airways Inc.",
                    "Virgin America", "Southwest Airlines Co.", "Envoy Air",
                ),
            ),
            row_count=16, primary_key=("carrier",),
        ),
        cube(
            "airports",
            text("faa", is_key=True, distinct_count=1458),
            text("name", is_label=True, distinct_count=1440),
            number("lat"), number("lon"), number("alt", unit="ft"),
            text("tzone", values=("America/New_York", "America/Chicago")),
            row_count=1458, primary_key=("faa",),
        ),
        cube(
            "planes",
            text("tailnum", is_key=True, distinct_count=3322),
            number("year"), text("manufacturer", values=("BOEING", "AIRBUS INDUSTRIE", "EMBRAER")),
            text("model"), number("engines"), number("seats"),
            text("engine", values=("Turbo-fan", "Turbo-jet", "Reciprocating")),
            row_count=3322, primary_key=("tailnum",),
        ),
        cube(
            "flights",
            number("year"), number("month"), number("day"), number("dep_time"),
            number("dep_delay", unit="min"), number("arr_time"), number("arr_delay", unit="min"),
            text("carrier", is_key=True, distinct_count=16, values=("9E", "AA", "B6", "DL", "UA", "US")),
            number("flight", is_key=True), text("tailnum", is_key=True),
            text("origin", is_key=True, values=("EWR", "JFK", "LGA")),
            text("dest", is_key=True, values=("ATL", "BOS", "JFK", "LAX", "MIA", "ORD")),
            number("air_time", unit="min"), number("distance", unit="mi"), number("hour"),
            time("time_hour", minimum="2013-01-01T05:00:00", maximum="2013-12-31T23:00:00"),
            row_count=336_776, default_time_dimension="time_hour",
            joins=(
                join("airlines", "carrier", "carrier"), join("planes", "tailnum", "tailnum"),
                join("airports", "origin", "faa", role="origin"),
                join("airports", "dest", "faa", role="dest"),
            ),
        ),
        cube(
            "weather",
            text("origin", is_key=True, values=("EWR", "JFK", "LGA")), number("year"), number("month"),
            number("temp"), number("humid"), number("wind_speed"), number("precip"), number("visib"),
            time("time_hour", minimum="2013-01-01", maximum="2013-12-30"),
            row_count=26_115, default_time_dimension="time_hour",
            joins=(join("airports", "origin", "faa"),),
        ),
    ),
)  # fmt: skip

SHOP = SemanticModel(
    source_id="shop",
    cubes=(
        cube(
            "customers",
            number("customer_id", is_key=True, distinct_count=900),
            text("customer_name", is_label=True, distinct_count=900),
            text("city", values=("Berlin", "Paris", "Madrid")),
            text("segment", values=("Consumer", "Corporate", "Home Office")),
            time("signup_date", minimum="2020-01-01", maximum="2024-12-31"),
            row_count=900, primary_key=("customer_id",), default_time_dimension="signup_date",
        ),
        cube(
            "products",
            number("product_id", is_key=True, distinct_count=50),
            text("product_name", is_label=True, distinct_count=48),
            text("category", values=("Toys", "Garden", "Books")), number("list_price", unit="USD"),
            row_count=50, primary_key=("product_id",),
        ),
        cube(
            "orders",
            number("order_id", is_key=True), number("customer_id", is_key=True),
            time("order_date", minimum="2023-01-01", maximum="2024-12-31"),
            text("status", values=("shipped", "cancelled", "returned")),
            number("shipping_cost", unit="USD"), flag("is_gift"),
            row_count=5000, primary_key=("order_id",), default_time_dimension="order_date",
            joins=(join("customers", "customer_id", "customer_id", score=1.0),),
        ),
        cube(
            "order_items",
            number("order_id", is_key=True), number("product_id", is_key=True),
            number("quantity"), number("amount", unit="USD"), number("discount_rate"), number("zeta"),
            row_count=12_000,
            joins=(
                join("orders", "order_id", "order_id", score=1.0),
                join("products", "product_id", "product_id", score=1.0),
            ),
        ),
    ),
)  # fmt: skip

CLINIC = SemanticModel(
    source_id="clinic",
    cubes=(
        cube(
            "dim_physician",
            text("phys_cd", "Phys cd", is_key=True, distinct_count=40),
            text("full_name", is_label=True, distinct_count=40),
            text("specialty", values=("Cardiology", "Oncology", "Pediatrics")),
            title="Physician", row_count=40, primary_key=("phys_cd",), synonyms=("doctor",),
        ),
        cube(
            "fct_visits",
            number("visit_id", is_key=True), text("phys_cd", "Phys cd", is_key=True),
            time("visit_dt", "Visit date", minimum="2025-01-01", maximum="2025-10-31"),
            number("wait_minutes", "Wait time", unit="min"), number("copay_amt", "Copay amount", unit="USD"),
            text("visit_type", values=("Emergency", "Routine", "Follow-up")),
            title="Visits", row_count=8000, primary_key=("visit_id",), default_time_dimension="visit_dt",
            joins=(join("dim_physician", "phys_cd", "phys_cd", score=1.0),),
        ),
    ),
)  # fmt: skip
