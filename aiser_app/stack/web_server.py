"""The web processes: pages, API and websocket of the compiled app together on one port."""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from aiser_app.config import Settings
from aiser_app.stack.home import PROJECT

TARGET = "aiser_app.stack.web_server:application"
_STOP_SECONDS = 5
"""How long open connections may keep a stopping process."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, with `web_processes` processes behind one socket."""
    os.chdir(PROJECT)
    os.environ.update(
        REFLEX_ENV_MODE="prod",
        __REFLEX_SKIP_COMPILE="true",  # the build has done it; two underscores are Reflex's own
        __REFLEX_MOUNT_FRONTEND_COMPILED_APP="true",
        REFLEX_TELEMETRY_ENABLED="false",
        REFLEX_CHECK_LATEST_VERSION="false",
    )
    server = Server(
        target=TARGET,
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.host,
        port=settings.port,
        workers=settings.web_processes,
        workers_kill_timeout=_STOP_SECONDS,
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
    )
    server.serve()


def application() -> Any:
    """The ASGI application, made inside each serving process."""
    _end_with(os.getppid())
    module = importlib.import_module("aiser_app.aiser_app")
    return module.app()


def _end_with(parent: int) -> None:
    """A killed parent would leave this process serving beside its successor: then end too."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_STOP_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
