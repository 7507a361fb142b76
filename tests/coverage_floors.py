"""The coverage table by package, and the floors under it.

`python -m tests.coverage_floors coverage.json` prints the table and fails below a floor.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLOORS = {
    "agent": 90,
    "llm": 90,
    "memory": 90,
    "planner": 90,
    "reasoning": 90,
    "evaluation": 90,
    "query": 95,
    "semantic": 95,
    "api": 90,
    "tools": 85,
    "mcp": 85,
}
"""Least percentage of lines and branches together; a package that does not exist yet has none."""


@dataclass
class Counts:
    """Lines and branches of one package."""

    lines: int = 0
    lines_run: int = 0
    branches: int = 0
    branches_run: int = 0

    def add(self, summary: dict[str, Any]) -> None:
        self.lines += summary["num_statements"]
        self.lines_run += summary["covered_lines"]
        self.branches += summary.get("num_branches", 0)
        self.branches_run += summary.get("covered_branches", 0)

    @property
    def percent(self) -> float:
        whole = self.lines + self.branches
        return 100.0 * (self.lines_run + self.branches_run) / whole if whole else 100.0


def by_package(report: dict[str, Any]) -> dict[str, Counts]:
    """Sums by the folder below aiser_app; modules beside the folders count under their own name."""
    found: dict[str, Counts] = defaultdict(Counts)
    for name, file in report["files"].items():
        parts = Path(name).parts
        package = Path(parts[parts.index("aiser_app") + 1]).stem
        found[package].add(file["summary"])
    return dict(found)


def table(packages: dict[str, Counts]) -> tuple[list[str], list[str]]:
    """Lines to print, and what is below its floor."""
    lines = [f"{'package':<16}{'lines':>7}{'branches':>10}{'covered':>9}{'floor':>7}"]
    failures = []
    whole = Counts()
    for package, counts in sorted(packages.items()):
        whole.lines += counts.lines
        whole.lines_run += counts.lines_run
        whole.branches += counts.branches
        whole.branches_run += counts.branches_run
        floor = FLOORS.get(package)
        below = floor is not None and counts.percent < floor and counts.lines > 0
        lines.append(_line(package, counts, floor) + ("  BELOW" if below else ""))
        if below:
            failures.append(f"{package} has {counts.percent:.1f} %, its floor is {floor} %")
    lines.append(_line("all", whole, None))
    return lines, failures


def _line(name: str, counts: Counts, floor: int | None) -> str:
    shown = f"{floor} %" if floor is not None else ""
    return f"{name:<16}{counts.lines:>7}{counts.branches:>10}{counts.percent:>7.1f} %{shown:>7}"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tests.coverage_floors coverage.json", file=sys.stderr)
        return 2
    lines, failures = table(by_package(json.loads(Path(arguments[0]).read_text())))
    print("\n" + "\n".join(lines))
    for failure in failures:
        print(f"Coverage: {failure}.", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
