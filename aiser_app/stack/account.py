"""The account that a server runs as which refuses to run as root (PostgreSQL does).

As an ordinary user nothing changes. As root, an existing unprivileged account is used when it can
reach binary and data; otherwise a user namespace in which root's files belong to `nobody`; and where
those are not allowed (in a chroot), a mount namespace in which both folders are within reach. So
neither accounts are created nor modes of folders above ours are changed.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiser_app.errors import ServiceUnavailable

ACCOUNTS = ("postgres", "nobody")
NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
WITHIN_REACH = Path("/run")
"""Only root can write here and everybody can enter: the place for folders bound within reach."""
_NEW_MOUNTS, _BIND, _RECURSIVE, _PRIVATE = 0x20000, 4096, 16384, 1 << 18
"""Flags of unshare(2) and mount(2)."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """How to start a binary unprivileged; all empty means: as we are."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()
    moved: tuple[tuple[Path, Path], ...] = ()
    """Folders, and where the account sees them."""

    def sees(self, path: Path) -> Path:
        """The path under which the account reaches a file."""
        for folder, place in self.moved:
            if path.is_relative_to(folder):
                return place / path.relative_to(folder)
        return path

    def popen_arguments(self) -> dict[str, Any]:
        """Arguments for `subprocess` functions."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file, or a folder with all in it, to the account; only root can and needs to."""
        if os.geteuid() != 0:
            return
        uid, gid = (self.uid, self.gid) if self.uid is not None else (0, 0)
        assert gid is not None  # noqa: S101 - set together with uid
        if path.stat().st_uid == uid:
            return
        os.chown(path, uid, gid)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder) / name, uid, gid, follow_symlinks=False)

    def execute(self, command: list[str]) -> None:
        """Replace this process by the command, run as the account: the pid stays the same."""
        if self.uid is not None and self.gid is not None:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)
        whole = [*self.prefix, *command]
        os.execvp(whole[0], whole)  # noqa: S606 - no shell wanted


def unprivileged(binary: Path, folder: Path, package: Path) -> Account:
    """Choose the account that can run `binary --version` and enter `folder`.

    `package` is the folder that holds the binary and all that it loads. May give this process a
    mount namespace of its own: to be called by a process that is about to become the server.

    Raises:
        ServiceUnavailable: running as root and no way works here.
    """
    if os.geteuid() != 0:
        return Account()
    for account in _accounts():
        if _can_run(account, binary) and _can_enter(account, folder):
            return account
    account = Account(prefix=NAMESPACE)
    if shutil.which(NAMESPACE[0]) and _can_run(account, binary):
        return account
    moved = tuple((real, seen_at(real)) for real in (folder, package))
    if _bind(moved):
        for known in _accounts():
            account = Account(uid=known.uid, gid=known.gid, moved=moved)
            if _can_run(account, account.sees(binary)) and _can_enter(
                account, account.sees(folder)
            ):
                return account
    raise ServiceUnavailable(
        f"Running as root, and no account here can run {binary.name}.",
        hint="Run Aiser as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.",
    )


def seen_at(folder: Path) -> Path:
    """Where a folder is bound when no account can enter it otherwise; the same at every start."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return WITHIN_REACH / f"aiser-{name}"


def _accounts() -> Iterator[Account]:
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        yield Account(uid=entry.pw_uid, gid=entry.pw_gid)


def _bind(moved: tuple[tuple[Path, Path], ...]) -> bool:
    """Bind folders to places within reach, seen by this process and its children only."""
    if sys.platform != "linux" or not WITHIN_REACH.is_dir():
        return False
    system = ctypes.CDLL(None, use_errno=True)
    if system.unshare(_NEW_MOUNTS) != 0:
        return False
    # Fails where / is no mount of its own, in a chroot; then whoever made the chroot sees the binds.
    system.mount(b"none", b"/", None, ctypes.c_ulong(_RECURSIVE | _PRIVATE), None)
    for folder, place in moved:
        place.mkdir(mode=0o755, exist_ok=True)
        flags = ctypes.c_ulong(_BIND | _RECURSIVE)
        if system.mount(bytes(folder), bytes(place), None, flags, None) != 0:
            return False
    return True


def _can_run(account: Account, binary: Path) -> bool:
    return _succeeds(account, [*account.prefix, str(binary), "--version"])


def _can_enter(account: Account, folder: Path) -> bool:
    return _succeeds(account, ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)])


def _succeeds(account: Account, command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command, capture_output=True, cwd="/", check=False, **account.popen_arguments()
        )
    except OSError:
        return False
    return done.returncode == 0
