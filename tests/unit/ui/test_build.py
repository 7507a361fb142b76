from importlib.util import find_spec
from pathlib import Path

import pytest

from aiser_app.ui.build import BuildInvalid, use_page_origin


def installed_state_js() -> str:
    spec = find_spec("reflex_base")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / ".templates/web/utils/state.js").read_text()


def test_the_installed_reflex_is_changed_to_use_the_pages_own_origin() -> None:
    changed = use_page_origin(installed_state_js())

    assert "endpoint.host = window.location.host;" in changed
    assert "Assume websocket is on https port" not in changed


def test_a_second_build_changes_nothing_more() -> None:
    once = use_page_origin(installed_state_js())

    assert use_page_origin(once) == once


def test_only_that_function_is_changed() -> None:
    before = installed_state_js()
    after = use_page_origin(before)

    start = before.index("export const getBackendURL")
    end = before.index("\n};\n", start)
    assert after.startswith(before[:start])
    assert after.endswith(before[end:])


def test_sources_of_another_reflex_stop_the_build() -> None:
    with pytest.raises(BuildInvalid, match="found 0 times"):
        use_page_origin("export const somethingElse = 1;")
