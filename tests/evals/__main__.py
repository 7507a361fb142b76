"""`make eval`: asks the planner labelled questions and counts what is right.

Usage: python -m tests.evals [database …] [--sets DIR] [--misses] [--categories] [--save]. The project's own
cases come with it; the sets of eight business databases lie beside the project, in `shared/evals/aiser`,
unless DIR says otherwise, and are left out where there are none. Below the committed baseline it fails.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.evals.asking import (
    FOLLOW_UPS,
    OWN,
    Case,
    ask_all,
    ask_follow_ups,
    open_own,
    open_set,
    own_questions,
    questions_of,
)

SETS = Path(__file__).parents[3] / "shared" / "evals" / "aiser"
BASELINE = Path(__file__).with_name("baseline.json")
SURE = 0.75
ANSWERS = ("right", "wrong", "failed")


def counts_of(cases: Sequence[Case]) -> Counter[str]:
    return Counter(case.outcome for case in cases)


def report(name: str, cases: Sequence[Case]) -> str:
    n = counts_of(cases)
    answered = sum(n[kind] for kind in ANSWERS)
    answerable = answered + n["asked"]
    taken = [case.milliseconds for case in cases]
    p95 = statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]
    return (
        f"{name:18} right {n['right']}/{answerable} ({_share(n['right'], answerable)})  "
        f"answered {answered} ({_share(answered, answerable)})  "
        f"precision {_share(n['right'], answered)}  "
        f"refused {n['refused']}/{n['refused'] + n['guessed']}  "
        f"planning p50 {statistics.median(taken):.1f} ms, p95 {p95:.1f} ms"
    )


def categories(cases: Sequence[Case]) -> str:
    lines = []
    for name in sorted({case.question.category for case in cases}):
        n = counts_of([case for case in cases if case.question.category == name])
        lines.append(
            f"  {name:20} {', '.join(f'{kind} {count}' for kind, count in sorted(n.items()))}"
        )
    for low, high in ((0.75, 0.8), (0.8, 0.85), (0.85, 0.9), (0.9, 0.95), (0.95, 1.01)):
        band = [c for c in cases if low <= c.confidence < high and c.outcome in ANSWERS]
        right = sum(case.outcome == "right" for case in band)
        lines.append(
            f"  confidence {low:.2f} to {min(1.0, high):.2f}: right {right} of {len(band)}"
        )
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "none"


def committed() -> dict[str, dict[str, int]]:
    """How many ended in what, by database: the figures that later ones are held to."""
    found: dict[str, dict[str, int]] = json.loads(BASELINE.read_text())
    return found


def below(name: str, cases: Sequence[Case], baseline: dict[str, dict[str, int]]) -> list[str]:
    """What is worse than the committed figures: fewer right, more wrong or more guessed."""
    floor, n = baseline.get(name, {}), counts_of(cases)
    found = []
    if n["right"] < floor.get("right", 0):
        found.append(f"{name}: {n['right']} right, {floor['right']} in the baseline")
    for kind in ("wrong", "failed", "guessed"):
        if floor and n[kind] > floor.get(kind, 0):
            found.append(f"{name}: {n[kind]} {kind}, {floor.get(kind, 0)} in the baseline")
    return found


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    found = options.sets.iterdir() if options.sets.is_dir() else ()
    sets = sorted(folder.name for folder in found if (folder / "questions.csv").is_file())
    if not sets:
        print(
            f"There are no question sets at {options.sets}: only the project's own cases are asked."
        )
    names = options.names or [*OWN, FOLLOW_UPS, *sets]
    unknown = [name for name in names if name not in (*OWN, FOLLOW_UPS, *sets)]
    if unknown:
        print(f"Unknown question sets: {', '.join(unknown)}.")
        return 2
    by_name = {name: _asked(name, options) for name in names}
    every = [case for cases in by_name.values() for case in cases]
    if len(names) > 1:
        print(report("all", every))
    if options.categories:
        print(categories(every))
    return _compared(by_name, save=options.save)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.evals")
    parser.add_argument("names", nargs="*", help="databases; all that there are if none is named")
    parser.add_argument("--sets", type=Path, default=SETS)
    parser.add_argument(
        "--misses", action="store_true", help="every question and what became of it"
    )
    parser.add_argument("--categories", action="store_true")
    parser.add_argument("--save", action="store_true", help="make these figures the baseline")
    return parser


def _asked(name: str, options: argparse.Namespace) -> list[Case]:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if name == FOLLOW_UPS:
            cases = [case for own in OWN for case in ask_follow_ups(open_own(own, work))]
        elif name in OWN:
            cases = ask_all(open_own(name, work), own_questions(name))
        else:
            cases = ask_all(open_set(options.sets / name, work), questions_of(options.sets / name))
    print(report(name, cases), flush=True)
    if name in OWN:
        print(report("· its even lines", [c for c in cases if c.line % 2 == 0]), flush=True)
    for case in cases if options.misses else ():
        kind = case.question.category
        print(
            f"  {case.line:4} {case.outcome:8} {case.confidence:.2f} [{kind}] {case.question.text}"
        )
        print(f"       {case.note}")
    return cases


def _compared(by_name: dict[str, list[Case]], *, save: bool) -> int:
    """1 when something is worse than the committed figures; `save` makes these the committed ones."""
    baseline = committed()
    if save:
        baseline |= {name: dict(counts_of(cases)) for name, cases in by_name.items()}
        BASELINE.write_text(json.dumps(baseline, indent=2, sort_keys=True) + "\n")
        return 0
    worse = [line for name, cases in by_name.items() for line in below(name, cases, baseline)]
    for line in worse:
        print(f"Worse: {line}.")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
