"""docs/settings.md out of the docstrings of `config.Settings`.

`python -m tests.settings_doc` writes it; a test compares.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from pathlib import Path

from pydantic_core import PydanticUndefined

from aiser_app.config import Settings

FILE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
HEAD = """# Settings

Every setting is an environment variable. This page is made from `aiser_app/config.py` by
`python -m tests.settings_doc`; change it there.

| Variable | Default | What it does |
|---|---|---|
"""
TAIL = """
## Where addresses come from

An address that is set in the environment always wins. Otherwise Aiser starts a server of its own and
writes where it listens to `AISER_HOME/run/endpoints.json` (readable by its owner only), so that
`python -m aiser_app ask`, `doctor` and `migrate` in a second terminal find the running one.

`python -m aiser_app doctor` says which settings cannot be used and how to mend them.
"""


def document() -> str:
    """The whole page."""
    rows = []
    for name, text in _docstrings().items():
        field = Settings.model_fields[name]
        default = "" if field.default is PydanticUndefined else str(field.default)
        shown = f"`{default}`" if default else ""
        rows.append(f"| `{field.alias or name.upper()}` | {shown} | {text} |")
    return HEAD + "\n".join(rows) + "\n" + TAIL


def _docstrings() -> dict[str, str]:
    """The string under each field, on one line."""
    source = ast.parse(textwrap.dedent(inspect.getsource(Settings)))
    (body,) = [node.body for node in source.body if isinstance(node, ast.ClassDef)]
    found = {}
    for field, text in pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        assert isinstance(text, ast.Expr), f"{field.target.id} is not described"
        assert isinstance(text.value, ast.Constant), f"{field.target.id} is not described"
        found[field.target.id] = " ".join(str(text.value.value).split())
    return found


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(document())
    print(f"wrote {FILE}")
