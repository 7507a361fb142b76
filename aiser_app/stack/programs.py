"""What runs, in which order, with which environment; rendered as supervisord's configuration."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aiser_app.config import Settings, SettingsInvalid
from aiser_app.stack import chroma, postgres, valkey
from aiser_app.stack.chroma import Chroma
from aiser_app.stack.home import PROJECT, Home
from aiser_app.stack.postgres import Postgres
from aiser_app.stack.valkey import Valkey

STACK_MARK = "AISER_STACK"
"""Set to the home's path in every process of its stack, so that orphans can be told apart."""
STORES, SERVICES = "stores", "services"
"""Groups of processes; all of one group stop at the same time."""
PRIORITIES = {STORES: 10, SERVICES: 20}
"""Supervisord stops the group with the highest number first, and waits for it."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One supervised command; `count` processes of it."""

    name: str
    command: list[str]
    group: str
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    count: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    number_variable: str = ""
    """Variable in which each process finds its number, from 1."""


@dataclass(frozen=True, kw_only=True)
class EmbeddedStores:
    """The servers that run here; None where an address of the user's own takes the place."""

    postgres: Postgres | None
    redis: Valkey | None
    page_state: Valkey | None
    chroma: Chroma | None

    @classmethod
    def for_home(cls, home: Home, settings: Settings, ports: Mapping[str, int]) -> EmbeddedStores:
        database = redis = page_state = memory = None
        if not settings.database_url:
            database = Postgres(
                data=home.postgres_data,
                port=ports["postgres"],
                password=home.keep_secret("postgres"),
                password_file=home.secret_file("postgres"),
            )
        if not settings.redis_url:
            redis = Valkey(
                data=home.redis_data, port=ports["redis"], password=home.keep_secret("redis")
            )
        if not settings.redis_url and not settings.state_redis_url:
            page_state = Valkey(
                data=home.page_state_data,
                port=ports["page-state"],
                password=home.keep_secret("page-state"),
            )
        if not settings.chroma_url:
            memory = Chroma(data=home.chroma_data, port=ports["chroma"])
        return cls(postgres=database, redis=redis, page_state=page_state, chroma=memory)

    def prepare(self) -> None:
        """Write what the servers read at their start."""
        for server in (self.redis, self.page_state, self.chroma):
            if server is not None:
                server.prepare()

    def endpoints(self) -> dict[str, str]:
        """Addresses for every process of this home.

        The page state's is not among them: its content is pickled, so only the web process
        learns where it is.
        """
        found = {
            "database_url": self.postgres.url() if self.postgres else "",
            "redis_url": self.redis.url() if self.redis else "",
            "chroma_url": self.chroma.url() if self.chroma else "",
        }
        return {name: url for name, url in found.items() if url}

    def state_url(self, settings: Settings) -> str:
        if settings.state_redis_url:
            return settings.state_redis_url
        if self.page_state is not None:
            return self.page_state.url()
        return another_database(settings.redis_url, 1)

    def programs(self) -> list[Program]:
        found: list[Program] = []
        if self.postgres:
            found.append(
                _store("postgres", self.postgres.command(), postgres.STOP_SIGNAL, seconds=30)
            )
        if self.redis:
            found.append(_store("redis", self.redis.command(), valkey.STOP_SIGNAL))
        if self.page_state:
            found.append(_store("page-state", self.page_state.command(), valkey.STOP_SIGNAL))
        if self.chroma:
            environment = self.chroma.environment()
            command = self.chroma.command()
            found.append(_store("chroma", command, chroma.STOP_SIGNAL, environment=environment))
        return found


def another_database(redis_url: str, number: int) -> str:
    """The same Redis server, another of its numbered databases."""
    address, _, query = redis_url.partition("?")
    scheme, _, rest = address.partition("://")
    server = rest.partition("/")[0]
    return f"{scheme}://{server}/{number}" + (f"?{query}" if query else "")


def _store(
    name: str,
    command: list[str],
    stop_signal: str,
    *,
    seconds: int = 10,
    environment: Mapping[str, str] | None = None,
) -> Program:
    return Program(
        name=name,
        command=command,
        group=STORES,
        stop_signal=stop_signal,
        stop_seconds=seconds,
        environment=environment or {},
    )


def service_programs(settings: Settings, state_url: str) -> list[Program]:
    """Aiser's own processes."""
    python = [sys.executable, "-m", "aiser_app"]
    without_state = {"AISER_STATE_REDIS_URL": "", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return [
        Program(
            name="web",
            command=[*python, "web"],
            group=SERVICES,
            environment={"AISER_STATE_REDIS_URL": state_url},
        ),
        Program(
            name="worker",
            command=[*python, "worker"],
            group=SERVICES,
            count=settings.workers,
            stop_seconds=15,
            environment=without_state,
            number_variable="AISER_WORKER_NUMBER",
        ),
        Program(
            name="scheduler",
            command=[*python, "scheduler"],
            group=SERVICES,
            environment=without_state,
        ),
    ]


def shared_environment(home: Home) -> dict[str, str]:
    """What supervisord is started with and hands on to every process."""
    return {
        STACK_MARK: str(home.root),
        "AISER_HOME": str(home.root),
        "PYTHONUNBUFFERED": "1",
        "ANONYMIZED_TELEMETRY": "False",
    }


def render(home: Home, programs: Iterable[Program]) -> str:
    """Supervisord's configuration; it holds addresses with passwords: keep the file private.

    Raises:
        SettingsInvalid: a path or value cannot be written down there.
    """
    if "%" in str(home.root):  # supervisord expands some paths twice, others once
        raise SettingsInvalid("AISER_HOME must not contain a percent sign.")
    sections = [
        _section(
            "supervisord",
            {
                "nodaemon": "true",
                "silent": "true",
                "user": "",
                "directory": _escaped(str(PROJECT)),
                "logfile": _escaped(str(home.logs / "supervisord.log")),
                "logfile_maxbytes": "5MB",
                "logfile_backups": "2",
                "pidfile": _escaped(str(home.run / "supervisord.pid")),
                "childlogdir": _escaped(str(home.logs)),
            },
        ),
        _section(
            "unix_http_server",
            {"file": _escaped(str(home.supervisor_socket)), "chmod": "0600"},
        ),
        _section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": ("supervisor.rpcinterface:make_main_rpcinterface")},
        ),
    ]
    programs = list(programs)
    sections += [_program(home, program) for program in programs]
    for group, priority in PRIORITIES.items():
        members = ",".join(program.name for program in programs if program.group == group)
        if members:
            sections.append(
                _section(f"group:{group}", {"programs": members, "priority": str(priority)})
            )
    return "\n".join(sections)


def _program(home: Home, program: Program) -> str:
    return _section(
        f"program:{program.name}",
        {
            "command": _escaped(" ".join(_quoted(part) for part in program.command)),
            "process_name": "%(program_name)s-%(process_num)d",
            "numprocs": str(program.count),
            "numprocs_start": "1",
            "directory": _escaped(str(PROJECT)),
            "autostart": "false",
            "autorestart": "true",
            "startsecs": "1",
            "startretries": "20",
            "stopsignal": program.stop_signal,
            "stopwaitsecs": str(program.stop_seconds),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": _escaped(str(home.logs / program.name)) + "-%(process_num)d.log",
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "2",
            "environment": _numbered(program),
        },
    )


def _section(name: str, options: Mapping[str, str]) -> str:
    lines = [f"{key}={value}" for key, value in options.items() if value]
    return "\n".join([f"[{name}]", *lines, ""])


def _numbered(program: Program) -> str:
    written = _environment(program.environment)
    if not program.number_variable:
        return written
    number = f'{program.number_variable}="%(process_num)d"'
    return f"{written},{number}" if written else number


def _environment(values: Mapping[str, str]) -> str:
    return ",".join(f"{name}={_in_quotes(_escaped(value))}" for name, value in values.items())


def _in_quotes(text: str) -> str:
    """Supervisord knows no escapes in its `environment` option, only the two kinds of quotes."""
    mark = "'" if '"' in text else '"'
    if mark in text:
        raise SettingsInvalid("A path or address with both kinds of quotes cannot be used.")
    return mark + text + mark


def _escaped(text: str) -> str:
    """Supervisord expands `%(name)s` in every value."""
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
