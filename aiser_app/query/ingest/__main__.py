"""Started by `apart`, never by people."""

from __future__ import annotations

import os
import sys

from aiser_app.query.ingest.child import main, set_limits

set_limits()
with os.fdopen(os.dup(1), "w") as answers:
    # Whatever a parser prints must not be taken for an answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    status = main(sys.stdin, answers)
raise SystemExit(status)
