"""Settings: the only reader of the environment.

Where the embedded stack runs, its addresses are written to `AISER_HOME/run/endpoints.json` at start,
so that every other process of the same home (a second terminal, a worker) finds them.
An address set in the environment always wins.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from aiser_app.errors import AiserError


class SettingsInvalid(AiserError):
    """A setting has a value that cannot be used."""

    code = "settings_invalid"
    http_status = 500


class Settings(BaseSettings):
    """One field per environment variable; each is described under the field."""

    # The prefix keeps HOME, HOST and PORT of the environment from being read as ours by name.
    model_config = SettingsConfigDict(
        env_file=None, env_prefix="AISER_", extra="ignore", populate_by_name=True
    )

    home: Path = Field(default=Path(".aiser"), alias="AISER_HOME")
    """Folder of everything that Aiser keeps: databases, results, secrets, logs."""
    host: str = Field(default="127.0.0.1", alias="AISER_HOST")
    """Address that the web process listens on; the container image sets 0.0.0.0."""
    port: int = Field(default=3000, alias="AISER_PORT", ge=1, le=65535)
    """Port of the web process: pages, API and websocket together."""
    public_url: str = Field(default="", alias="AISER_PUBLIC_URL")
    """Address that people use, when a proxy stands in front; empty means http://localhost:PORT."""
    database_url: str = Field(default="", alias="DATABASE_URL")
    """Postgres of Aiser's own data; empty starts the embedded one."""
    redis_url: str = Field(default="", alias="REDIS_URL")
    """Queues, run events, locks; empty starts the embedded Valkey."""
    state_redis_url: str = Field(default="", alias="AISER_STATE_REDIS_URL")
    """Pages' state only, pickled by Reflex: must be writable by the web process alone.
    Empty: embedded beside the embedded Redis, or database 1 of an external REDIS_URL."""
    chroma_url: str = Field(default="", alias="CHROMA_URL")
    """Semantic memory; empty starts the embedded Chroma server."""
    admin_email: str = Field(default="", alias="AISER_ADMIN_EMAIL")
    """With AISER_ADMIN_PASSWORD: makes the first owner at first start, without the setup page."""
    admin_password: str = Field(default="", alias="AISER_ADMIN_PASSWORD")
    """Password of that first owner, at least 10 characters."""
    organization_name: str = Field(default="My organization", alias="AISER_ORGANIZATION")
    """Name of the organization made at an unattended first start."""
    workers: int = Field(default=2, alias="AISER_WORKERS", ge=1, le=64)
    """Worker processes that answer questions and run queries."""
    worker_number: int = Field(default=0, alias="AISER_WORKER_NUMBER", ge=0)
    """Set by the supervisor: with several workers, number 1 leaves syncs and uploads to the others,
    so that whoever waits at a screen finds a worker while those run."""
    web_processes: int = Field(default=1, alias="AISER_WEB_PROCESSES", ge=1, le=64)
    """Web processes behind the one port."""
    secure_cookies: bool = Field(default=False, alias="AISER_SECURE_COOKIES")
    """Set behind HTTPS: the session cookie is then never sent in the clear."""
    trusted_proxy_hops: int = Field(default=0, alias="AISER_TRUSTED_PROXY_HOPS", ge=0, le=10)
    """Proxies in front whose X-Forwarded-For is believed."""
    session_hours: int = Field(default=24 * 14, alias="AISER_SESSION_HOURS", ge=1)
    """A session ends this long after its last use."""
    run_deadline_seconds: int = Field(default=120, alias="AISER_RUN_DEADLINE", ge=1)
    """A run that has not ended by then ends in `failed`."""
    query_timeout_seconds: int = Field(default=30, alias="AISER_QUERY_TIMEOUT", ge=1)
    """Time limit of one query of the agent."""
    result_row_limit: int = Field(default=100_000, alias="AISER_RESULT_ROWS", ge=1)
    """Rows kept of one result; more are cut and the result says so."""
    result_days: int = Field(default=7, alias="AISER_RESULT_DAYS", ge=1)
    """Days after which the rows of a result are removed; what was asked and how stays."""
    results_max_gb: int = Field(default=20, alias="AISER_RESULTS_MAX_GB", ge=1)
    """Most disk space of all results together; beyond it the oldest lose their rows."""
    query_max_rows: int = Field(default=1_000_000, alias="AISER_QUERY_MAX_ROWS", ge=1)
    """Most rows that a query of the API or the editor may ask to be kept."""
    editor_timeout_seconds: int = Field(default=60, alias="AISER_EDITOR_TIMEOUT", ge=1, le=600)
    """Time limit of a query of the API or the editor that names none."""
    record_days: int = Field(default=90, alias="AISER_RECORD_DAYS", ge=1)
    """How long the history of queries is kept: text, times, errors, plans."""
    upload_mb: int = Field(default=200, alias="AISER_UPLOAD_MB", ge=1, le=4096)
    """Largest file that may be uploaded, in MB, packed or not."""
    question_max_chars: int = Field(default=4_000, alias="AISER_QUESTION_CHARS", ge=1)
    """Longest question that is accepted."""
    allow_private_hosts: bool = Field(default=True, alias="AISER_ALLOW_PRIVATE_HOSTS")
    """Whether data sources may lie in private networks and on this machine; false when strangers
    may add sources."""
    log_level: str = Field(default="INFO", alias="AISER_LOG_LEVEL")
    """DEBUG, INFO, WARNING or ERROR."""

    @property
    def run_dir(self) -> Path:
        """Addresses, pids and sockets of the running stack."""
        return self.home / "run"

    @property
    def results_dir(self) -> Path:
        return self.home / "results"

    @property
    def sources_dir(self) -> Path:
        return self.home / "sources"

    @property
    def values_dir(self) -> Path:
        """Indexes of the values in sources' text columns."""
        return self.home / "values"

    @property
    def uploads_dir(self) -> Path:
        """Files between their upload and their ingest."""
        return self.home / "uploads"

    @property
    def secrets_dir(self) -> Path:
        """Generated keys and passwords, readable by the owner alone."""
        return self.home / "secrets"

    @property
    def url(self) -> str:
        """Address to show to people, without a trailing slash."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")


ENDPOINTS_FILE = "endpoints.json"
"""Name of the file under `run_dir`: {database_url, redis_url, state_redis_url, chroma_url}."""


def load_settings(**overrides: Any) -> Settings:
    """Read the environment, then fill addresses that are missing from the running stack's file.

    Raises:
        SettingsInvalid: a variable has a value that cannot be used; names it, never its value.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        names = ", ".join(str(item["loc"][0]) for item in error.errors())
        raise SettingsInvalid(
            f"These settings cannot be used: {names}.", hint="See docs/settings.md."
        ) from None
    home = settings.home.expanduser().resolve()
    found = _endpoints(home / "run" / ENDPOINTS_FILE)
    filled = {
        name: value
        for name, value in found.items()
        if name in Settings.model_fields and not getattr(settings, name)
    }
    return settings.model_copy(update={"home": home, **filled})


def _endpoints(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in content.items()} if isinstance(content, dict) else {}


@lru_cache(maxsize=1)
def current_settings() -> Settings:
    """Settings of this process, read once."""
    return load_settings()
