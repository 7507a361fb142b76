"""EXPLAIN: the plan as a tree, and as text in the manner of PostgreSQL's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aiser_app.query.engines.contract import Plan

_DETAILS = (
    "Index Cond",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "Recheck Cond",
    "Filter",
    "Sort Key",
    "Group Key",
    "Sort Method",
    "Rows Removed by Filter",
    "Workers Planned",
    "Heap Fetches",
)


def explain_sql(sql: str, *, actual: bool) -> str:
    options = "FORMAT JSON, ANALYZE, BUFFERS" if actual else "FORMAT JSON"
    return f"EXPLAIN ({options}) {sql}"


def read_plan(output: str, *, actual: bool) -> Plan:
    """The plan of what EXPLAIN returned as JSON."""
    top = json.loads(output)[0]
    lines = list(_lines(top["Plan"], 0))
    for name, title in (("Planning Time", "Planning"), ("Execution Time", "Execution")):
        if name in top:
            lines.append(f"{title} time: {top[name]:.3f} ms")
    return Plan(text="\n".join(lines), tree=top, is_actual=actual)


def _lines(node: Mapping[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    yield f"{indent}{'-> ' if depth else ''}{_title(node)}  {_numbers(node)}"
    for name in _DETAILS:
        if name in node:
            value = node[name]
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            yield f"{indent}     {name}: {text}"
    for child in node.get("Plans", ()):
        yield from _lines(child, depth + 1)


def _title(node: Mapping[str, Any]) -> str:
    words = [str(node["Node Type"])]
    if node.get("Join Type", "Inner") != "Inner":
        words.append(f"({node['Join Type']})")
    if "Index Name" in node:
        words.append(f"using {node['Index Name']}")
    table = node.get("Relation Name") or node.get("CTE Name") or node.get("Function Name")
    if table:
        alias = node.get("Alias", table)
        words.append(f"on {table}" if alias == table else f"on {table} {alias}")
    return " ".join(words)


def _numbers(node: Mapping[str, Any]) -> str:
    text = (
        f"(cost={node['Startup Cost']:.2f}..{node['Total Cost']:.2f} rows={node['Plan Rows']} "
        f"width={node['Plan Width']})"
    )
    if "Actual Rows" in node:
        times = f"time={node['Actual Startup Time']:.3f}..{node['Actual Total Time']:.3f}"
        text += f" (actual {times} rows={node['Actual Rows']:g} loops={node['Actual Loops']})"
    return text
