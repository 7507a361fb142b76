"""`make bench`: starts Aiser in a home of its own, measures, prints the tables, says what misses."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import rest_queries
from benchmarks.question_path import measure, report
from tests.fixtures.app import RunningApp


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("-n", type=int, default=40, help="questions per measurement, at least 30")
    options.add_argument("--keep", action="store_true", help="keep the home with its logs")
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="aiser-bench-", dir="/tmp"))
    folder.chmod(0o711)
    app = RunningApp(folder, AISER_WORKERS="2")
    try:
        print(f"Starting Aiser (logs: {folder}) …", flush=True)
        print(f"Ready after {app.start():.1f} s.", flush=True)
        found = measure(app, max(30, chosen.n))
        status = report(found)
        return rest_queries.report(rest_queries.measure(app, max(30, chosen.n))) or status
    finally:
        app.remove()
        if not chosen.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
