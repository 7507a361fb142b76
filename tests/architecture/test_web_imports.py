"""The web process stays small: it never loads the agent stack, not even indirectly."""

from __future__ import annotations

import subprocess
import sys

PROBE = """
import sys
import aiser_app.bootstrap.web
import aiser_app.api.app
import aiser_app.aiser_app
heavy = {"litellm", "langchain", "langchain_core", "langgraph", "chromadb"}
print(",".join(sorted(heavy & {name.partition(".")[0] for name in sys.modules})))
"""


def test_importing_the_web_process_leaves_the_agent_stack_out() -> None:
    ran = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.strip() == ""
