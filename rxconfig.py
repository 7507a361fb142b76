"""How Reflex builds and serves the pages; read by the build and by the web process."""

import os

import reflex as rx
from reflex.plugins.sitemap import SitemapPlugin

from aiser_app.config import current_settings
from aiser_app.ui.build import SameOriginPlugin

# Reflex reads these from the environment only. A lost connection is noticed within 30 s, so that a
# page that comes back soon gets its own session again (the default is 145 s).
os.environ.setdefault("REFLEX_SOCKET_INTERVAL", "10")
os.environ.setdefault("REFLEX_SOCKET_TIMEOUT", "20")
os.environ.setdefault("REFLEX_CHECK_LATEST_VERSION", "false")

settings = current_settings()

config = rx.Config(
    app_name="aiser_app",
    # Same origin only: the page finds its own server (SameOriginPlugin), and `ui.security` checks
    # the Origin of every socket. An empty list means that no other origin is ever allowed.
    cors_allowed_origins=[],
    plugins=[SameOriginPlugin()],
    disable_plugins=[SitemapPlugin],
    telemetry_enabled=False,
    show_built_with_reflex=False,
    default_color_mode="system",
    redis_url=settings.state_redis_url or None,
    # The build and the tests without Redis need no state on disk.
    state_manager_mode="redis" if settings.state_redis_url else "memory",
    redis_token_expiration=24 * 3600,
    trusted_proxy_hops=settings.trusted_proxy_hops,
    frontend_compression_formats=["gzip"],
)
