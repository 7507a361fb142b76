"""Where the stack keeps what under AISER_HOME, and with which modes."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from aiser_app.config import ENDPOINTS_FILE

PROJECT = Path(__file__).resolve().parents[2]
"""The folder that holds rxconfig.py and alembic.ini; every process starts there."""
_SOCKET_PATH_LIMIT = 100
"""Bytes; the systems' own limits for a Unix socket's path are 104 (macOS) and 108 (Linux)."""


@dataclass(frozen=True)
class Home:
    """Paths of one installation."""

    root: Path

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def postgres_data(self) -> Path:
        return self.root / "postgres" / "data"

    @property
    def redis_data(self) -> Path:
        return self.root / "redis"

    @property
    def page_state_data(self) -> Path:
        return self.root / "page-state"

    @property
    def chroma_data(self) -> Path:
        return self.root / "chroma"

    @property
    def endpoints(self) -> Path:
        return self.run / ENDPOINTS_FILE

    @property
    def ports(self) -> Path:
        return self.run / "ports.json"

    @property
    def pids(self) -> Path:
        return self.run / "pids.json"

    @property
    def lock(self) -> Path:
        return self.run / "up.lock"

    @property
    def supervisor_config(self) -> Path:
        return self.run / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        """Beside the rest, or in a private temporary folder when the path would be too long."""
        path = self.run / "supervisor.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
            return path
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"aiser-{os.getuid()}-{name}" / "supervisor.sock"

    def make(self) -> None:
        """Make the folders; as root the outermost may be passed through, PostgreSQL needs that."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for private in (self.run, self.logs, self.secrets):
            private.mkdir(exist_ok=True)
            private.chmod(0o700)
        self.postgres_data.parent.mkdir(exist_ok=True)
        self.supervisor_socket.parent.mkdir(mode=0o700, exist_ok=True)

    def keep_secret(self, name: str) -> str:
        """The secret of that name; made at first use, readable by the owner of the home only."""
        file = self.secret_file(name)
        if not file.exists():
            write_private(file, secrets.token_hex(32))
        return file.read_text().strip()

    def secret_file(self, name: str) -> Path:
        return self.secrets / name


def write_private(file: Path, content: str) -> None:
    """Write a 0600 file so that a reader sees the old content or the new, never a part."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
