"""What the frontend build needs beyond Reflex's defaults."""

from __future__ import annotations

import re

from reflex.plugins import Plugin
from reflex_base.plugins.base import PreCompileContext
from typing_extensions import Unpack, override

STATE_JS = "utils/state.js"

_BACKEND_URL = re.compile(r"export const getBackendURL = \(url_str\) => \{.*?\n\};\n", re.DOTALL)

_SAME_ORIGIN = """export const getBackendURL = (url_str) => {
  const endpoint = new URL(url_str ?? env.PING);
  if (typeof window !== "undefined") {
    const secure = window.location.protocol === "https:";
    const socket = endpoint.protocol.startsWith("ws");
    endpoint.protocol = (socket ? "ws" : "http") + (secure ? "s:" : ":");
    endpoint.host = window.location.host;
    endpoint.port = window.location.port;
  }
  return endpoint;
};
"""


class BuildInvalid(Exception):
    """The frontend's sources are not what this version of Aiser was written for."""


def use_page_origin(state_js: str) -> str:
    """Make the page talk to the origin that it came from, on whatever host and port that is.

    Reflex bakes host and port of the backend into the bundle; Aiser is built once and then served
    on any port, behind any proxy. Applying it twice changes nothing.

    Raises:
        BuildInvalid: the function is not found, so a silent build of a page that cannot connect
            is impossible.
    """
    changed, count = _BACKEND_URL.subn(lambda _: _SAME_ORIGIN, state_js)
    if count != 1:
        raise BuildInvalid(f"getBackendURL was found {count} times in {STATE_JS}, expected once.")
    return changed


class SameOriginPlugin(Plugin):
    """Applies `use_page_origin` to the sources of every build."""

    @override
    def pre_compile(self, **context: Unpack[PreCompileContext]) -> None:
        context["add_modify_task"](STATE_JS, use_page_origin)
