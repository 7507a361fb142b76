"""Plans as text."""

from __future__ import annotations

import json

from aiser_app.query.engines.postgres.plan import explain_sql, read_plan

NODE = {"Startup Cost": 0.0, "Total Cost": 12.5, "Plan Rows": 3, "Plan Width": 8}


def test_a_plan_reads_like_postgres() -> None:
    tree = {
        "Plan": {
            **NODE,
            "Node Type": "Hash Join",
            "Join Type": "Left",
            "Hash Cond": "(a.id = b.id)",
            "Plans": [
                {**NODE, "Node Type": "Seq Scan", "Relation Name": "people", "Alias": "p"},
                {
                    **NODE,
                    "Node Type": "Index Scan",
                    "Index Name": "visits_person",
                    "Relation Name": "visits",
                    "Join Type": "Inner",
                    "Sort Key": ["a", "b"],
                    "Actual Rows": 2,
                    "Actual Loops": 1,
                    "Actual Startup Time": 0.01,
                    "Actual Total Time": 0.02,
                },
                {**NODE, "Node Type": "CTE Scan", "CTE Name": "w", "Alias": "w"},
            ],
        },
        "Planning Time": 0.125,
        "Execution Time": 1.5,
    }
    plan = read_plan(json.dumps([tree]), actual=True)
    assert plan.tree == tree
    assert plan.is_actual
    assert plan.text.splitlines() == [
        "Hash Join (Left)  (cost=0.00..12.50 rows=3 width=8)",
        "     Hash Cond: (a.id = b.id)",
        "  -> Seq Scan on people p  (cost=0.00..12.50 rows=3 width=8)",
        "  -> Index Scan using visits_person on visits  (cost=0.00..12.50 rows=3 width=8) "
        "(actual time=0.010..0.020 rows=2 loops=1)",
        "       Sort Key: a, b",
        "  -> CTE Scan on w  (cost=0.00..12.50 rows=3 width=8)",
        "Planning time: 0.125 ms",
        "Execution time: 1.500 ms",
    ]


def test_only_an_actual_plan_runs_the_query() -> None:
    assert "ANALYZE" not in explain_sql("SELECT 1", actual=False)
    assert explain_sql("SELECT 1", actual=True).startswith(
        "EXPLAIN (FORMAT JSON, ANALYZE, BUFFERS)"
    )
