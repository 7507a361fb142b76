"""The child that ingests, on a disk on which no file gets beyond a few bytes."""

from __future__ import annotations

import resource
import sys

from aiser_app.query.ingest.child import main

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
    raise SystemExit(main(sys.stdin, sys.stdout))
