"""JSON lines on standard error, one per event, with secrets blotted out wherever they turn up.

Code logs with the standard library: `log.info("run_finished", extra={"run_id": run_id})`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from typing_extensions import override

BLOT = "[redacted]"
MAX_TEXT = 8_000
"""Longer texts are cut: a log line is no place for a result."""

_SECRET_NAME = re.compile(
    r"pass(word|wd)?$|password|secret|token|authorization|cookie|api_?key|credential", re.IGNORECASE
)
_SECRET_TEXT = (
    (re.compile(r"\bais_[A-Za-z0-9_-]{8,}"), BLOT),
    (re.compile(r"(?i)\bbearer\s+[A-Za-z0-9._~+/=-]+"), f"Bearer {BLOT}"),
    (re.compile(r"(?i)\baiser_session=[^;\s\"']+"), f"aiser_session={BLOT}"),
    (
        re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s:@\"']*:[^@\s\"']+@"),
        rf"\g<scheme>{BLOT}@",
    ),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{16,}"), BLOT),
    (re.compile(r"\$argon2[a-z]{0,2}\$[^\s\"']+"), BLOT),
    (
        re.compile(
            r"(?i)([\"']?(?:password|passwd|secret|token|api_key)[\"']?\s*[:=]\s*)([\"']?)[^\s\"',}&]+"
        ),
        rf"\1\2{BLOT}",
    ),
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def redact_text(text: str) -> str:
    """`text` without anything that looks like a secret."""
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text)} characters)"


def redact(name: str, value: Any) -> Any:
    """A value as it may be logged under that name."""
    if _SECRET_NAME.search(name) and not isinstance(value, bool | int | float | None):
        return BLOT
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {str(key): redact(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(name, item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact_text(str(value))


class JsonFormatter(logging.Formatter):
    """One line of JSON per record: time, level, logger, event, process, extras, exception."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    @override
    def format(self, record: logging.LogRecord) -> str:
        content: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "event": redact_text(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD and not name.startswith("_"):
                content.setdefault(name, redact(name, value))
        if record.exc_info and record.exc_info[0] is not None:
            content["exception"] = redact_text(
                "".join(traceback.format_exception(*record.exc_info))
            )
        return json.dumps(content, ensure_ascii=False, default=str)


def configure_logging(level: str = "INFO", *, process: str, stream: TextIO | None = None) -> None:
    """Send every logger of this process to one stream as JSON; calling it again replaces that."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(process))
    root = logging.getLogger()
    for existing in list(root.handlers):
        root.removeHandler(existing)
    root.addHandler(handler)
    _silence_own_handlers()
    known = logging.getLevelNamesMapping()
    root.setLevel(known.get(level.upper(), logging.INFO))
    for noisy in ("httpx", "httpcore", "alembic", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _silence_own_handlers() -> None:
    """Libraries that print by themselves would print a second time, and unredacted."""
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger) and logger.propagate:
            logger.handlers.clear()
