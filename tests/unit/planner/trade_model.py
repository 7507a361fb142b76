"""A richer model than a shop's: roles, versions, bridges, late deliveries, yes and no in letters."""

from __future__ import annotations

from dataclasses import replace

from aiser_app.domain.semantic_model import SemanticModel
from tests.unit.planner.models import cube, flag, join, number, text, time

TRADE = SemanticModel(
    source_id="trade",
    cubes=(
        cube(
            "customers",
            number("customer_id", is_key=True, distinct_count=900),
            text("customer_name", is_label=True, distinct_count=900),
            text("country", values=("DE", "FR", "GB", "NL"), distinct_count=4),
            text("email", null_fraction=0.2),
            time("signed_up_on", minimum="2020-01-01", maximum="2025-10-31"),
            row_count=900, primary_key=("customer_id",), default_time_dimension="signed_up_on",
        ),
        cube(
            "suppliers",
            number("supplier_id", is_key=True, distinct_count=20),
            text("supplier_name", is_label=True, distinct_count=20, values=("Alpen Handel", "Nord Metall")),
            text("country", values=("AT", "DE", "IT"), distinct_count=3),
            row_count=20, primary_key=("supplier_id",),
        ),
        cube(
            "products",
            number("product_id", is_key=True, distinct_count=50),
            text(
                "product_name", is_label=True, distinct_count=50,
                values=(
                    "Ball bearing 6204", "Ball bearing 6305", "Copper wire", "Garden chair", "Lamp",
                    "Oak table", "Rug", "Steel screw", "Velvet sofa", "Wicker basket",
                ),
            ),
            text("category", values=("Garden", "Metal", "Textiles"), distinct_count=3),
            number("supplier_id", is_key=True), number("list_price", unit="EUR"),
            text("is_active", values=("Y", "N"), value_titles=(("Y", "yes"), ("N", "no"))),
            time("discontinued_on", minimum="2023-01-01", maximum="2025-01-31", null_fraction=0.9),
            row_count=50, primary_key=("product_id",),
            joins=(join("suppliers", "supplier_id", "supplier_id", score=1.0),),
        ),
        cube(
            "depots",
            number("depot_id", is_key=True, distinct_count=8),
            text("depot_name", is_label=True, distinct_count=8, values=("Leeds Hub", "Bonn", "Lyon")),
            text("region", values=("North", "South"), distinct_count=2),
            row_count=8, primary_key=("depot_id",),
        ),
        cube(
            "orders",
            number("order_id", is_key=True), text("order_number", is_key=True, distinct_count=5000),
            number("customer_id", is_key=True),
            number("from_depot_id", is_key=True), number("to_depot_id", is_key=True, null_fraction=0.1),
            time("ordered_at", minimum="2023-01-01", maximum="2025-10-31"),
            time("promised_on", minimum="2023-01-01", maximum="2025-11-30"),
            time("delivered_on", minimum="2023-01-01", maximum="2025-10-31", null_fraction=0.1),
            text("status", values=("cancelled", "completed", "pending", "refunded"), distinct_count=4),
            text("device", values=("desktop", "mobile"), distinct_count=2),
            number("total_amount", unit="EUR"), number("shipping_amount", unit="EUR"), flag("is_first_order"),
            row_count=5000, primary_key=("order_id",), default_time_dimension="ordered_at",
            joins=(
                join("customers", "customer_id", "customer_id", score=1.0),
                join("depots", "from_depot_id", "depot_id", role="from"),
                join("depots", "to_depot_id", "depot_id", role="to"),
            ),
        ),
        cube(
            "order_items",
            number("order_id", is_key=True), number("product_id", is_key=True),
            number("quantity"), number("unit_price", unit="EUR"),
            row_count=12_000,
            joins=(
                join("orders", "order_id", "order_id", score=1.0),
                join("products", "product_id", "product_id", score=1.0),
            ),
        ),
        cube(
            "visits",
            number("visit_id", is_key=True), number("customer_id", is_key=True, null_fraction=0.3),
            time("started_at", minimum="2023-01-01T08:00:00", maximum="2025-10-31T20:00:00"),
            number("duration_min", "Duration", unit="min"), number("page_views"), flag("is_bounce"),
            row_count=20_000, primary_key=("visit_id",), default_time_dimension="started_at",
            joins=(join("customers", "customer_id", "customer_id", score=1.0),),
        ),
        cube(
            "ad_stats",
            time("stat_date", minimum="2023-01-01", maximum="2025-10-31"),
            text("channel", values=("display", "search", "social"), distinct_count=3),
            number("impressions"), number("clicks"), number("spend", unit="EUR"),
            row_count=3000, default_time_dimension="stat_date",
        ),
        cube(
            "price_list",
            number("product_id", is_key=True), number("price", unit="EUR"),
            time("valid_from", minimum="2022-01-01", maximum="2025-06-30"),
            time("valid_to", minimum="2022-06-30", maximum="2025-06-30", null_fraction=0.3),
            row_count=120, default_time_dimension="valid_from",
            joins=(join("products", "product_id", "product_id", score=1.0),),
        ),
    ),
)  # fmt: skip


def hidden(name: str) -> SemanticModel:
    """The same model with one cube that is not linked to words."""
    return replace(TRADE, cubes=tuple(replace(c, is_hidden=c.name == name) for c in TRADE.cubes))
