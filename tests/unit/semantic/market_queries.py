"""Questions to the market with their answers, written by hand; every database must agree."""

from __future__ import annotations

from typing import Any

Rows = list[tuple[Any, ...]]


def _measured(*names: str, **more: Any) -> dict[str, Any]:
    return {"measures": list(names), **more}


def _metric(expression: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "m", "expression": expression, **more}


def _figure(expression: dict[str, Any], *dimensions: str, **more: Any) -> dict[str, Any]:
    refs = [{"member": name} for name in dimensions]
    return {"measures": ["m"], "metrics": [_metric(expression)], "dimensions": refs, **more}


def _by(*names: str) -> list[dict[str, Any]]:
    return [{"member": name} for name in names]


def _where(member: str, operator: str, *values: str, **more: Any) -> dict[str, Any]:
    return {"member": member, "operator": operator, "values": list(values), **more}


def _time(dimension: str, granularity: str | None = None, **more: Any) -> list[dict[str, Any]]:
    return [{"dimension": dimension, "granularity": granularity, **more}]


COUNT = {"measure": "sales.count"}
REVENUE = {"measure": "sales.revenue"}
MONTHS = _time("sales.sold", "month")
Q1 = _time("sales.sold", "month", date_range=["2024-01-01", "2024-04-30"])

CASES: dict[str, tuple[dict[str, Any], Rows]] = {
    # conditions
    "not keeps what is missing": (
        _measured("sales.count", filters=[{"conditions": [_where("sales.state", "equals", "done")],
                                           "is_negated": True}]),
        [(4,)],
    ),
    "any of": (
        _measured("sales.count", filters=[{"conditions": [
            _where("sales.state", "equals", "lost"), _where("people.city", "equals", "Oslo")],
            "is_any": True}]),
        [(3,)],
    ),
    "text": (
        _measured("people.count", filters=[_where("people.name", "startsWith", "a", "B"),
                                           _where("people.name", "notEndsWith", "N")]),
        [(0,)],
    ),
    "outside a range": (
        _measured("sales.count", filters=[
            _where("sales.sold", "notInDateRange", "2024-01-01", "2024-01-31")]),
        [(4,)],
    ),
    "two columns": (
        _measured("sales.count", filters=[
            {"member": "sales.amount", "operator": "gt", "other": "sales.quantity"}]),
        [(6,)],
    ),
    "two times": (
        _measured("sales.count", filters=[
            {"member": "sales.paid", "operator": "gt", "other": "sales.sold"}]),
        [(5,)],
    ),
    "weekday": (
        _measured("sales.count", filters=[_where("sales.sold", "equals", "7", part="weekday")]),
        [(3,)],
    ),
    "segment": (_measured("sales.count", segments=["sales.paid"]), [(5,)]),
    "segment of related rows": (_measured("people.count", segments=["sales.paid"]), [(3,)]),
    "having with or": (
        _measured("sales.count", dimensions=_by("sales.state"), filters=[{"conditions": [
            _where("sales.count", "gt", "2"), _where("sales.revenue", "gt", "30")], "is_any": True}]),
        [("done", 3), (None, 1)],
    ),
    # the model's own SQL
    "sql dimension": (
        _measured("people.count", dimensions=_by("people.loud"),
                  filters=[_where("people.city", "equals", "Rome")]),
        [("BEN!", 1), ("DAN!", 1)],
    ),
    "sql measures": (
        _measured("sales.done", "sales.big", "sales.per_sale", "sales.per_sale_twice"),
        [(3, 151.5, 79.25 / 7, 2 * 79.25 / 7)],
    ),
    "conditions reach into computed measures": (
        _figure({"measure": "sales.per_sale",
                 "conditions": [_where("sales.state", "equals", "done")]}),
        [(16.75 / 3,)],
    ),
    "a select as a table": (_measured("cheap.count"), [(4,)]),
    "sql dimension filtered": (
        _measured("sales.count", filters=[_where("sales.price", "gte", "5")]), [(3,)]),
    # stored times
    "date parts": (
        _measured("tickets.count", time_dimensions=_time("tickets.opened", "day")),
        [("2024-01-05", 1), ("2024-03-09", 1), ("2024-03-31", 1), (None, 1)],
    ),
    "year and month": (
        _measured("tickets.count", time_dimensions=_time("tickets.opened_month", "month")),
        [("2024-01-01", 1), ("2024-03-01", 2), (None, 1)],
    ),
    "dates as texts": (
        _measured("tickets.count", time_dimensions=_time("tickets.opened_text", "month",
                  date_range=["2024-03-01", "2024-03-31"])),
        [("2024-03-01", 2)],
    ),
    "dates as numbers": (
        _measured("tickets.count", time_dimensions=_time("tickets.opened_number", "quarter")),
        [("2024-01-01", 3), (None, 1)],
    ),
    "seconds": (
        _measured("tickets.count", time_dimensions=_time("tickets.opened_second", "hour",
                  date_range=["2024-01-05", "2024-03-30"])),
        [("2024-01-05 00:00:00", 1), ("2024-03-09 00:00:00", 1)],
    ),
    # parts of time
    **{
        f"by {part}": (
            _measured("sales.count", time_dimensions=[{"dimension": "sales.sold", "part": part}],
                      filters=[_where("sales.sold", "set")]),
            rows,
        )
        for part, rows in {
            "hour_of_day": [(0, 2), (10, 1), (22, 1), (23, 2)],
            "weekday": [(1, 2), (2, 1), (7, 3)],
            "day_of_month": [(1, 1), (7, 1), (8, 1), (30, 1), (31, 2)],
            "month_of_year": [(1, 3), (3, 1), (4, 1), (12, 1)],
            "quarter_of_year": [(1, 4), (2, 1), (4, 1)],
            "year": [(2023, 1), (2024, 5)],
        }.items()
    },
    "weeks from Sunday": (
        _measured("sales.count", time_dimensions=_time("sales.sold", "week"), week_start=7,
                  filters=[_where("sales.sold", "set")]),
        [("2023-12-31", 2), ("2024-01-07", 2), ("2024-03-31", 1), ("2024-04-28", 1)],
    ),
    "weeks from Saturday, range": (
        _measured("sales.count", week_start=6, time_dimensions=_time(
            "sales.sold", "week", date_range=["2024-01-01", "2024-01-08"])),
        [("2023-12-30", 1), ("2024-01-06", 2)],
    ),
    "days in Paris": (
        _measured("sales.count", time_dimensions=_time("sales.sold", "day",
                  date_range=["2024-01-01", "2024-05-01"]), time_zone="Europe/Paris"),
        [("2024-01-01", 2), ("2024-01-08", 2), ("2024-03-31", 1), ("2024-05-01", 1)],
    ),
    "hours in New York": (
        _measured("sales.count", time_zone="America/New_York", time_dimensions=[
            {"dimension": "sales.sold", "part": "hour_of_day"}],
            filters=[_where("sales.sold", "afterDate", "2024-01-06")]),
        [(5, 1), (18, 2), (20, 1)],
    ),
    "dates have no zone": (
        _measured("people.count", time_zone="America/New_York", time_dimensions=_time(
            "people.born", "day", date_range=["1980-05-20", "1990-02-28"])),
        [("1980-05-20", 1), ("1990-02-28", 1)],
    ),
    # figures
    "ratio of conditions": (
        _figure({"operator": "/", "left": {**COUNT, "conditions": [
            _where("sales.state", "equals", "done")]}, "right": COUNT}, "people.city"),
        [("Oslo", 0.5), (None, 0.5), ("Rome", 1 / 3)],
    ),
    "by zero": (
        _figure({"operator": "/", "left": COUNT, "right": {**COUNT, "conditions": [
            _where("sales.state", "equals", "none")]}}),
        [(None,)],
    ),
    "row arithmetic": (
        _figure({"aggregation": "sum", "cube": "sales", "row": {
            "operator": "*", "row_left": {"member": "sales.amount"},
            "row_right": {"operator": "-", "row_left": {"member": "sales.quantity"},
                          "row_right": {"constant": "1"}}}}),
        [(20 + 5.25 * 2 + 40 * 7 - 1,)],
    ),
    **{
        f"duration in {unit}": (
            _figure({"aggregation": "max", "cube": "sales", "row": {
                "start": {"member": "sales.sold"}, "end": {"member": "sales.paid"}, "unit": unit}},
                filters=[_where("sales.id", "notEquals", "5")]),
            [(expected,)],
        )
        for unit, expected in {
            "second": 2847600, "minute": 47460, "hour": 791, "day": 33, "month": 1, "year": 0,
        }.items()
    },
    "almost a year": (
        _figure({"aggregation": "max", "cube": "sales", "row": {"start": {"member": "sales.sold"},
                "end": {"member": "sales.paid"}, "unit": "month"}}),
        [(11,)],
    ),
    "ages": (
        {"dimensions": _by("people.name", "age"), "is_ungrouped": True, "today": "2024-02-28",
         "fields": [{"name": "age", "row": {"start": {"member": "people.born"}, "end": None,
                                            "unit": "year"}}],
         "order": [{"member": "age", "descending": True}]},
        [("Ann", 43), ("Ben", 34), ("Eve", 24), ("Dan", 22), ("Cyd", None)],
    ),
    "buckets": (
        _measured("sales.count", dimensions=_by("size"), order=[{"member": "size"}], fields=[
            {"name": "size", "row": {"bucket_of": {"member": "sales.amount"}, "width": "10"}}]),
        [(0, 3), (10, 1), (20, 1), (40, 1), (None, 1)],
    ),
    "small buckets": (
        _measured("sales.count", dimensions=_by("size"), order=[{"member": "size"}], fields=[
            {"name": "size", "row": {"bucket_of": {"member": "sales.price"}, "width": "2.5"}}],
            filters=[_where("sales.price", "set")]),
        [(0, 1), (2.5, 1), (5, 1), (10, 2)],
    ),
    "edges": (
        _measured("sales.count", dimensions=_by("size"), order=[{"member": "size"}], fields=[
            {"name": "size", "row": {"bucket_of": {"member": "sales.amount"},
                                     "edges": ["5", "2", "20"]}}]),
        [(2, 1), (5, 2), (20, 2), (None, 2)],
    ),
    "flags": (
        _measured("sales.count", dimensions=_by("big"), order=[{"member": "sales.count"}], fields=[
            {"name": "big", "row": {"condition": _where("sales.amount", "gt", "15")}}]),
        [(True, 2), (False, 5)],
    ),
    "share of flagged": (
        _figure({"aggregation": "avg", "cube": "sales",
                 "row": {"condition": _where("sales.state", "equals", "done")}}),
        [(3 / 7,)],
    ),
    "percentiles": (
        _figure({"aggregation": "percentile", "cube": "sales", "row": {"member": "sales.amount"},
                 "percentile": "0.9"}, "people.city"),
        [("Rome", 36.525), ("Oslo", 19.05), (None, 2.35)],
    ),
    "medians and counts": (
        _measured("sales.median_amount", "sales.count", dimensions=_by("sales.state")),
        [(None, 40, 1), ("open", 11.25, 2), ("done", 5.25, 3), ("lost", None, 1)],
    ),
    "times are figures too": (
        _measured("sales.last_sold", "people.first_born"),
        [("2024-04-30 22:30:00", "1980-05-20")],
    ),
    "percentage": (
        {"measures": ["m"], "dimensions": _by("sales.state"), "metrics": [
            _metric({"window": "share", "of": COUNT}, is_percentage=True)],
         "filters": [_where("m", "gt", "20")]},
        [("done", 300 / 7), ("open", 200 / 7)],
    ),
    "above all": (
        _figure({"operator": "-", "left": REVENUE, "right": {"overall": REVENUE}}, "sales.state"),
        [(None, -39.25), ("open", -56.75), ("done", -62.5), ("lost", None)],
    ),
    # windows
    "share within": (
        {**_figure({"window": "share", "of": COUNT, "within": _by("people.city")},
                   "people.city", "sales.state"),
         "order": [{"member": "people.city"}, {"member": "sales.state"}]},
        [("Oslo", "done", 0.5), ("Oslo", "open", 0.5), ("Rome", "done", 1 / 3), ("Rome", "lost", 1 / 3),
         ("Rome", None, 1 / 3), (None, "done", 0.5), (None, "open", 0.5)],
    ),
    "rank of growth": (
        {"measures": ["g", "r"], "time_dimensions": Q1, "metrics": [
            {"name": "g", "expression": {"window": "growth", "of": COUNT}},
            {"name": "r", "expression": {"window": "rank", "of": {"window": "growth", "of": COUNT}}}]},
        [("2024-01-01", None, None), ("2024-03-01", -2 / 3, 2), ("2024-04-01", 0, 1)],
    ),
    "running along what has a time": (
        {**_figure({"window": "running_total", "of": COUNT}), "time_dimensions": MONTHS},
        [("2023-12-01", 1), ("2024-01-01", 4), ("2024-03-01", 5), ("2024-04-01", 6), (None, None)],
    ),
    "running along all groups": (
        {**_figure({"window": "running_total", "of": COUNT, "within": _by("people.city")}, "people.city",
                   "sales.state", filters=[_where("people.city", "equals", "Rome")]),
         "time_dimensions": MONTHS},
        [("2024-01-01", "Rome", "done", 1), ("2024-03-01", "Rome", "lost", 2),
         ("2024-04-01", "Rome", None, 3)],
    ),
    "gaps, running and moving": (
        {"measures": ["sales.count", "t", "a", "p"], "metrics": [
            {"name": "t", "expression": {"window": "running_total", "of": COUNT}},
            {"name": "a", "expression": {"window": "moving_average", "of": COUNT, "offset": 2}},
            {"name": "p", "expression": {"window": "previous", "of": COUNT, "offset": 2}}],
         "time_dimensions": _time("sales.sold", "month", fill_gaps=True,
                                  date_range=["2024-01-01", "2024-05-31"])},
        [("2024-01-01", 3, 3, 3, None), ("2024-02-01", 0, 3, 1.5, None), ("2024-03-01", 1, 4, 0.5, 3),
         ("2024-04-01", 1, 5, 1, 0), ("2024-05-01", 0, 5, 0.5, 1)],
    ),
    **{
        f"gaps by {span}": (
            _measured("sales.count", time_dimensions=_time("sales.sold", span, fill_gaps=True,
                      date_range=list(days)), limit=3),
            rows,
        )
        for span, days, rows in (
            ("hour", ("2024-01-01", "2024-01-01"),
             [("2024-01-01 00:00:00", 1), ("2024-01-01 01:00:00", 0), ("2024-01-01 02:00:00", 0)]),
            ("day", ("2024-01-06", "2024-01-08"),
             [("2024-01-06", 0), ("2024-01-07", 1), ("2024-01-08", 1)]),
            ("week", ("2024-01-02", "2024-01-20"),
             [("2024-01-01", 1), ("2024-01-08", 1), ("2024-01-15", 0)]),
            ("quarter", ("2024-01-01", "2024-09-30"),
             [("2024-01-01", 4), ("2024-04-01", 1), ("2024-07-01", 0)]),
            ("year", ("2023-02-01", "2025-01-01"),
             [("2023-01-01", 1), ("2024-01-01", 5), ("2025-01-01", 0)]),
        )
    },
    "gaps of the data": (
        _measured("sales.count", time_dimensions=_time("sales.sold", "month", fill_gaps=True),
                  dimensions=_by("people.city"),
                  filters=[_where("people.city", "equals", "Rome")]),
        [("2024-01-01", "Rome", 1), ("2024-02-01", "Rome", 0), ("2024-03-01", "Rome", 1),
         ("2024-04-01", "Rome", 1)],
    ),
    "periods that overlap": (
        _measured("sales.count", "sales.revenue", time_dimensions=_time("sales.sold", None,
                  compare_date_ranges=[["2024-01-01", "2024-01-07"], ["2024-01-01", "2024-04-30"]])),
        [("2024-01-01/2024-01-07", 2, 30.5), ("2024-01-01/2024-04-30", 5, 75.75)],
    ),
    "growth between periods": (
        _figure({"window": "growth", "of": COUNT}, time_dimensions=_time(
            "sales.sold", None, compare_date_ranges=[["2024-01-01", "2024-01-07"],
                                                      ["2024-01-08", "2024-04-30"]])),
        [("2024-01-01/2024-01-07", None), ("2024-01-08/2024-04-30", 0.5)],
    ),
    "months of periods": (
        _figure({"operator": "/", "left": COUNT, "right": {"overall": COUNT}},
                time_dimensions=_time("sales.sold", "month", compare_date_ranges=[
                    ["2023-01-01", "2023-12-31"], ["2024-01-01", "2024-03-31"]])),
        [("2023-01-01/2023-12-31", "2023-12-01", 1), ("2024-01-01/2024-03-31", "2024-01-01", 0.75),
         ("2024-01-01/2024-03-31", "2024-03-01", 0.25)],
    ),
    # groups of groups
    "average of counts": (
        _figure({"aggregation": "avg", "per": _by("people.id"), "each": COUNT}), [(5 / 3,)]),
    "average of counts with none": (
        _figure({"aggregation": "avg", "per": _by("people.id"), "each": COUNT, "keep_empty": True}),
        [(1,)],
    ),
    "people with several": (
        _figure({"aggregation": "count", "per": _by("people.id"), "each": COUNT, "conditions": [
            _where("each", "gte", "2")]}, "people.city"),
        [("Oslo", 1), ("Rome", 1)],
    ),
    "median of sums": (
        _figure({"aggregation": "median", "per": _by("people.id"), "each": REVENUE}), [(30.5,)]),
    "average per month": (
        _figure({"aggregation": "avg", "per": [], "each": COUNT,
                 "per_time": {"dimension": "sales.sold", "granularity": "month"}}),
        [(1.5,)],
    ),
    # existence
    "without": (
        {"dimensions": _by("people.name"), "filters": [{"cube": "sales", "is_negated": True}]},
        [("Cyd",), ("Eve",)],
    ),
    "at least two": (
        {"dimensions": _by("people.name"), "filters": [{"cube": "sales", "at_least": 2}]},
        [("Ann",), ("Ben",)],
    ),
    "through a bridge": (
        {"dimensions": _by("people.name"), "filters": [{"cube": "tags", "conditions": [
            _where("tags.label", "equals", "gift")]}]},
        [("Ann",), ("Ben",)],
    ),
    "two different tags": (
        {"dimensions": _by("sales.id"), "filters": [{"cube": "tags", "at_least": 2}]}, [(1,)]),
    "bosses": (
        {"dimensions": _by("people.name"), "filters": [{"cube": "people", "role": "boss"}]},
        [("Ann",), ("Ben",)],
    ),
    "of somebody else": (
        _measured("sales.count", filters=[{"cube": "tickets", "of": "people", "is_negated": True}]),
        [(5,)],
    ),
    "one and the same row": (
        _measured("people.count", filters=[_where("sales.state", "equals", "done"),
                                           _where("sales.amount", "gt", "10")]),
        [(1,)],
    ),
    "conditions within a figure": (
        _figure({"measure": "people.count", "conditions": [{"cube": "tickets"}]}), [(2,)]),
    # several facts, and measures of the one side
    "two facts": (
        _measured("sales.count", "tickets.count", dimensions=_by("people.city")),
        [("Rome", 3, 0), ("Oslo", 2, 2), (None, 2, 2)],
    ),
    "each by its own time": (
        _measured("sales.count", "tickets.minutes", time_dimensions=Q1),
        [("2024-01-01", 3, 30), ("2024-03-01", 1, 50), ("2024-04-01", 1, None)],
    ),
    "one side": (
        _measured("people.count", dimensions=_by("sales.state")),
        [(None, 3), ("done", 2), ("lost", 1), ("open", 1)],
    ),
    "over the bridge": (
        _measured("sales.count", "sales.revenue", dimensions=_by("tags.label")),
        [(None, 4, 43.5), ("gift", 2, 15.75), ("new", 2, 30.5)],
    ),
    "tags of sales": (
        _measured("tags.count", dimensions=_by("sales.state")), [("done", 2), (None, 2), ("open", 1)]),
    # which groups
    "empty groups": (
        _measured("sales.count", dimensions=_by("people.name"), keep_empty=True),
        [("Ann", 2), ("Ben", 2), (None, 2), ("Dan", 1), ("Cyd", 0), ("Eve", 0)],
    ),
    "empty groups, filtered": (
        _measured("sales.count", dimensions=_by("people.name"), keep_empty=True, filters=[
            _where("people.city", "equals", "Oslo"), _where("sales.state", "equals", "open"),
            _where("sales.count", "lt", "1")]),
        [("Eve", 0)],
    ),
    "empty months": (
        _measured("sales.count", dimensions=_by("people.city"), keep_empty=True, time_dimensions=Q1,
                  filters=[_where("people.city", "set")]),
        [("2024-01-01", "Oslo", 2), ("2024-01-01", "Rome", 1), ("2024-03-01", "Oslo", 0),
         ("2024-03-01", "Rome", 1), ("2024-04-01", "Oslo", 0), ("2024-04-01", "Rome", 1)],
    ),
    "best of each": (
        _measured("sales.revenue", dimensions=_by("people.city", "people.name"), limit=1,
                  limit_by=_by("people.city"), filters=[_where("people.city", "set")]),
        [("Oslo", "Ann", 30.5), ("Rome", "Dan", 40)],
    ),
    "ties": (
        _measured("sales.count", dimensions=_by("people.name"), limit=1, with_ties=True,
                  filters=[_where("people.name", "set")]),
        [("Ann", 2), ("Ben", 2)],
    ),
    "rows of each": (
        {"dimensions": _by("sales.state", "sales.id"), "is_ungrouped": True, "limit": 1,
         "limit_by": _by("sales.state"), "order": [{"member": "sales.amount", "descending": True}],
         "filters": [_where("sales.state", "set")]},
        [("done", 1), ("lost", 4), ("open", 2)],
    ),
    "rows in the order of something else": (
        {"dimensions": _by("sales.state"), "is_ungrouped": True, "limit": 3,
         "order": [{"member": "sales.amount"}]},
        [("done",), ("open",), ("done",)],
    ),
}  # fmt: skip
