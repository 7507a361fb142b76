"""Secrets of data sources, encrypted at rest by keys that can be changed.

The key file lies beside the other generated secrets and holds one Fernet key per line; the first one
seals, all of them open. A change of keys is three steps, each of which can be repeated: `rotate`,
`renew` of every sealed text, `drop_old`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from aiser_app.errors import AiserError


class SecretUnreadable(AiserError):
    """A sealed secret cannot be opened: its key is missing, or is another one."""

    code = "secret_unreadable"
    http_status = 500


class Sealer:
    """Reads the key file at each use: another process may have changed the keys meanwhile."""

    def __init__(self, key_file: Path) -> None:
        self._file = key_file

    def seal(self, text: str) -> str:
        """Encrypt by the first key. The key is made at first use, readable by its owner only."""
        if not self._file.exists():
            self._make()
        return self._fernet().encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises `SecretUnreadable`."""
        try:
            return self._fernet().decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable(
                "A stored password cannot be decrypted: it was encrypted with another key.",
                hint="Put back the key file that belongs to this database, or enter the "
                "connection of the data source again.",
            ) from None

    def rotate(self) -> None:
        """Put a new key in front: it seals from now on, the others still open."""
        with self._locked():
            keys = self._keys() if self._file.exists() else []
            self._write([Fernet.generate_key().decode(), *keys])

    def renew(self, sealed: str) -> str:
        """The same secret, sealed by the first key.

        Raises:
            SecretUnreadable: as `open`.
        """
        return self.seal(self.open(sealed))

    def drop_old(self) -> None:
        """Keep the first key only. What was not renewed can never be opened again."""
        with self._locked():
            self._write(self._keys()[:1])

    def _fernet(self) -> MultiFernet:
        try:
            return MultiFernet([Fernet(key) for key in self._keys()])
        except ValueError:
            raise SecretUnreadable(
                "The key of stored passwords is damaged.", hint="Put back a copy of the key file."
            ) from None

    def _keys(self) -> list[str]:
        try:
            keys = self._file.read_text().split()
        except FileNotFoundError:
            keys = []
        except (OSError, UnicodeDecodeError):
            raise SecretUnreadable(
                "The key of stored passwords cannot be read.",
                hint="Check that Aiser's account owns the folder of secrets.",
            ) from None
        if not keys:
            raise SecretUnreadable(
                "The key of stored passwords is missing.",
                hint="Put back the folder of secrets that belongs to this database.",
            )
        return keys

    def _make(self) -> None:
        """Of two processes that come first together, one makes the key and both use it."""
        draft = self._draft([Fernet.generate_key().decode()])
        with suppress(FileExistsError):
            os.link(draft, self._file)
        draft.unlink()

    def _write(self, keys: list[str]) -> None:
        self._draft(keys).replace(self._file)

    def _draft(self, keys: list[str]) -> Path:
        """A finished file beside the key file: a reader sees the old content or the new."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._file.with_name(f".{self._file.name}.{os.getpid()}.{os.urandom(4).hex()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write("".join(f"{key}\n" for key in keys))
            stream.flush()
            os.fsync(stream.fileno())
        return draft

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One change of keys at a time, on this machine."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = self._file.with_name(f".{self._file.name}.lock")
        with lock.open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield
