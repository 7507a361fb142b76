"""A market with what models can say: SQL of their own, segments, a bridge, bosses, odd ways to store times."""

from __future__ import annotations

from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    Segment,
    SemanticModel,
)

MARKET = (
    "CREATE TABLE people (id INTEGER, name VARCHAR, boss_id INTEGER, born DATE, city VARCHAR)",
    "INSERT INTO people VALUES (1, 'Ann', NULL, DATE '1980-05-20', 'Oslo'), "
    "(2, 'Ben', 1, DATE '1990-02-28', 'Rome'), (3, 'Cyd', 1, NULL, NULL), "
    "(4, 'Dan', 2, DATE '2001-12-31', 'Rome'), (5, 'Eve', 9, DATE '1999-06-15', 'Oslo')",
    "CREATE TABLE sales (id INTEGER, person_id INTEGER, amount DOUBLE, quantity INTEGER, state VARCHAR, "
    "sold TIMESTAMP, paid TIMESTAMP)",
    "INSERT INTO sales VALUES "
    "(1, 1, 10.5, 1, 'done', TIMESTAMP '2024-01-01 00:30:00', TIMESTAMP '2024-01-01 12:00:00'), "
    "(2, 1, 20, 2, 'open', TIMESTAMP '2024-01-07 23:30:00', NULL), "
    "(3, 2, 5.25, 3, 'done', TIMESTAMP '2024-01-08 10:00:00', TIMESTAMP '2024-02-10 09:00:00'), "
    "(4, 2, NULL, NULL, 'lost', TIMESTAMP '2024-03-31 00:30:00', TIMESTAMP '2024-03-31 03:00:00'), "
    "(5, 4, 40, 8, NULL, TIMESTAMP '2024-04-30 22:30:00', TIMESTAMP '2025-04-29 22:30:00'), "
    "(6, NULL, 1, 0, 'done', TIMESTAMP '2023-12-31 23:59:59', TIMESTAMP '2024-01-01 00:00:00'), "
    "(7, 8, 2.5, 1, 'open', NULL, NULL)",
    "CREATE TABLE tickets (id INTEGER, person_id INTEGER, y INTEGER, m INTEGER, d INTEGER, day_text VARCHAR, "
    "day_number INTEGER, seconds INTEGER, minutes DOUBLE)",
    "INSERT INTO tickets VALUES "
    "(1, 1, 2024, 1, 5, '2024-01-05', 20240105, 1704412800, 30), "
    "(2, 1, 2024, 3, 9, '2024-03-09', 20240309, 1709942400, 45), "
    "(3, 3, 2024, 3, 31, '2024-03-31', 20240331, 1711843200, 5), "
    "(4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    "CREATE TABLE tags (id INTEGER, label VARCHAR)",
    "INSERT INTO tags VALUES (1, 'new'), (2, 'gift'), (3, 'unused')",
    "CREATE TABLE sale_tags (sale_id INTEGER, tag_id INTEGER)",
    "INSERT INTO sale_tags VALUES (1, 1), (1, 2), (2, 1), (2, 1), (3, 2), (9, 1), (4, NULL)",
)

_NUMBER, _STRING, _TIME = DimensionType.NUMBER, DimensionType.STRING, DimensionType.TIME


def _dimension(name: str, kind: DimensionType, **more: object) -> Dimension:
    values = {"column": name, "title": name.replace("_", " ").capitalize(), **more}
    return Dimension(name=name, type=kind, **values)  # type: ignore[arg-type]


def _measure(name: str, aggregation: Aggregation, column: str = "", **more: object) -> Measure:
    title = name.replace("_", " ").capitalize()
    return Measure(name=name, aggregation=aggregation, column=column, title=title, **more)  # type: ignore[arg-type]


def _join(target: str, own: str, role: str = "") -> Join:
    return Join(target=target, columns=((own, "id"),), role=role, source="declared")


COUNT = _measure("count", Aggregation.COUNT)
MODEL = SemanticModel(
    source_id="1" * 32,
    cubes=(
        Cube(
            name="people",
            table="people",
            title="People",
            primary_key=("id",),
            dimensions=(
                _dimension("id", _NUMBER),
                _dimension("name", _STRING),
                _dimension("city", _STRING),
                _dimension("born", _TIME, minimum="1980-05-20", maximum="2001-12-31"),
                _dimension("shout", _STRING, column="", sql="UPPER({CUBE}.name)"),
                _dimension("loud", _STRING, column="", sql="CONCAT({shout}, '!')"),
            ),
            measures=(COUNT, _measure("first_born", Aggregation.MIN, "born")),
            joins=(_join("people", "boss_id", "boss"),),
        ),
        Cube(
            name="sales",
            table="sales",
            title="Sales",
            primary_key=("id",),
            default_time_dimension="sold",
            dimensions=(
                _dimension("id", _NUMBER),
                _dimension("state", _STRING),
                _dimension("amount", _NUMBER, unit="€"),
                _dimension("quantity", _NUMBER),
                _dimension(
                    "sold", _TIME, minimum="2023-12-31 23:59:59", maximum="2024-04-30 22:30:00"
                ),
                _dimension("paid", _TIME),
                _dimension("price", _NUMBER, column="", sql="amount / NULLIF(quantity, 0)"),
            ),
            measures=(
                COUNT,
                _measure("revenue", Aggregation.SUM, "amount", unit="€"),
                _measure("median_amount", Aggregation.MEDIAN, "amount"),
                _measure("done", Aggregation.COUNT, filters=("{CUBE}.state = 'done'",)),
                _measure("big", Aggregation.SUM, sql="{amount} * 2", filters=("amount > 5",)),
                _measure("per_sale", Aggregation.NUMBER, sql="{revenue} / NULLIF({count}, 0)"),
                _measure("per_sale_twice", Aggregation.NUMBER, sql="{per_sale} * 2"),
                _measure("last_sold", Aggregation.MAX, "sold"),
            ),
            joins=(_join("people", "person_id"),),
            segments=(Segment(name="paid", sql="{CUBE}.paid IS NOT NULL", title="Paid"),),
        ),
        Cube(
            name="tickets",
            table="tickets",
            title="Tickets",
            primary_key=("id",),
            default_time_dimension="opened",
            dimensions=(
                _dimension("id", _NUMBER),
                _dimension("opened", _TIME, column="", date_parts=("y", "m", "d")),
                _dimension("opened_month", _TIME, column="", date_parts=("y", "m")),
                _dimension("opened_text", _TIME, column="day_text", text_format="yyyy-mm-dd"),
                _dimension("opened_number", _TIME, column="day_number", text_format="yyyymmdd"),
                _dimension("opened_second", _TIME, column="seconds", text_format="epoch_s"),
            ),
            measures=(COUNT, _measure("minutes", Aggregation.SUM, "minutes", unit="min")),
            joins=(_join("people", "person_id"),),
        ),
        Cube(
            name="tags",
            table="tags",
            title="Tags",
            primary_key=("id",),
            dimensions=(_dimension("id", _NUMBER), _dimension("label", _STRING)),
            measures=(COUNT,),
        ),
        Cube(
            name="sale_tags",
            table="sale_tags",
            title="Sale tags",
            is_hidden=True,
            joins=(_join("sales", "sale_id"), _join("tags", "tag_id")),
        ),
        Cube(
            name="cheap",
            table="",
            sql="SELECT id, amount FROM sales WHERE amount < 15",
            title="Cheap sales",
            primary_key=("id",),
            dimensions=(_dimension("id", _NUMBER), _dimension("amount", _NUMBER)),
            measures=(COUNT,),
        ),
    ),
)
