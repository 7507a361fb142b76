"""An evaluation for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiser_app.domain.evaluation import CaseOutcome, CaseScore
from aiser_app.evaluation.scores import percent
from aiser_app.stack.text_table import text_table

MOST_MISSES = 200


def evaluation_text(summary: Mapping[str, Any], scores: Sequence[CaseScore]) -> str:
    """Figures, tables by category and confidence, and every case that was not right."""
    parts = [_figures(summary), _categories(summary), _bands(summary), _misses(scores)]
    return "\n\n".join(part for part in parts if part)


def case_line(score: CaseScore) -> str:
    """One case on one line."""
    sure = "" if score.confidence is None else f" {score.confidence:.2f}"
    where = f" [{score.category}]" if score.category else ""
    note = f"  ({score.note})" if score.note else ""
    return _printable(f"{score.outcome.value:<8}{sure:<5}{where} {score.question}{note}")


def _figures(summary: Mapping[str, Any]) -> str:
    counts, latency = summary["counts"], summary["latency_ms"]
    lines = [
        f"{summary['cases']:,} cases, {summary['answerable']:,} that can be answered",
        f"right {summary['right']:,} (accuracy {percent(summary['accuracy'])}), "
        f"answered {summary['answered']:,} (coverage {percent(summary['coverage'])}, "
        f"precision {percent(summary['precision'])})",
        f"asked {counts['asked']:,}, refused {counts['refused']:,}, failed {counts['failed']:,}, "
        f"broken {counts['broken']:,}",
    ]
    if summary["refusal"] is not None:
        lines.append(f"not answered of what cannot be: {percent(summary['refusal'])}")
    if latency["p50"] is not None:
        lines.append(f"latency p50 {latency['p50']:,.0f} ms, p95 {latency['p95']:,.0f} ms")
    return "\n".join(lines)


def _categories(summary: Mapping[str, Any]) -> str:
    rows = [
        [
            item["category"] or "(none)", item["cases"], item["answered"], item["right"],
            percent(item["accuracy"]), percent(item["precision"]),
        ]
        for item in summary["by_category"]
    ]  # fmt: skip
    names = ["category", "cases", "answered", "right", "accuracy", "precision"]
    return text_table(names, rows, limit=200) if rows else ""


def _bands(summary: Mapping[str, Any]) -> str:
    rows = [
        [
            f"{band['from']:.2f} to {band['to']:.2f}", band["answered"], band["right"],
            percent(band["precision"]),
        ]
        for band in summary["by_confidence"]
    ]  # fmt: skip
    return (
        text_table(["confidence", "answered", "right", "precision"], rows, limit=20) if rows else ""
    )


def _misses(scores: Sequence[CaseScore]) -> str:
    missed = [
        score
        for score in scores
        if score.outcome is not CaseOutcome.RIGHT
        and (score.is_answerable or score.outcome.is_answered)
    ]
    lines = [case_line(score) for score in missed[:MOST_MISSES]]
    if len(missed) > MOST_MISSES:
        lines.append(f"… and {len(missed) - MOST_MISSES:,} more")
    return "\n".join(["Not right:", *lines]) if lines else ""


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
