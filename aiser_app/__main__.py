"""The command line, `python -m aiser_app`. Exit status: 0 done, 1 failed, 2 used wrongly.

Packages are imported by the command that needs them: `version` and `up` must not wait for the
agent's, and the web process must never load them.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from aiser_app import __version__
from aiser_app.config import current_settings
from aiser_app.errors import AiserError

# ruff: noqa: PLC0415 - see the docstring


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what goes wrong is one line on stderr, or JSON with --json."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.run
    try:
        return command(options)
    except AiserError as error:
        if getattr(options, "json", False):
            body = {"code": error.code, "message": error.message, "hint": error.hint}
            print(json.dumps({"error": {k: v for k, v in body.items() if v is not None}}))
        else:
            print(error.message, error.hint or "", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    except BrokenPipeError:  # the reader of our output has left
        sys.stderr.close()
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aiser_app",
        description="Aiser: questions in plain language, proven answers out of your own data.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], int], text: str, *, has_json: bool = False
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        if has_json:
            command.add_argument("--json", action="store_true", help="print JSON")
        return command

    add("up", _up, "start everything on this machine and watch over it")
    add("web", _web, "run the web process only")
    add("worker", _worker, "run one worker only")
    add("scheduler", _scheduler, "run the scheduler only")
    add("migrate", _migrate, "bring the tables to the newest version", has_json=True)
    add("doctor", _doctor, "say what runs, what is wrong, and how to mend it", has_json=True)
    ask = add("ask", _ask, "ask a question as the owner of this installation", has_json=True)
    ask.add_argument("question")
    ask.add_argument("--source", help="name or id of a data source")
    query = add("query", _query, "run one query as the owner of this installation", has_json=True)
    query.add_argument("sql", help="one SELECT; - reads it from standard input")
    query.add_argument(
        "--source",
        action="append",
        help="name or id of a data source; several join across them (source.table)",
    )
    query.add_argument("--limit", type=int, help="most rows that are kept")
    query.add_argument("--timeout", type=float, help="seconds")
    query.add_argument("--refresh", action="store_true", help="do not take it from the cache")
    model = add("model", _model, "export, import or check the model of a source", has_json=True)
    model.add_argument("action", choices=["export", "import", "check"])
    model.add_argument("source", help="name or id of a data source")
    model.add_argument("file", help="a Cube YAML file; - is standard input or output")
    model.add_argument("--note", default="", help="why, for the list of versions")
    add("rotate-keys", _rotate_keys, "encrypt stored credentials with a new key", has_json=True)
    user = add("create-user", _create_user, "add a person to the organization", has_json=True)
    user.add_argument("email")
    user.add_argument("--name", help="default: the part before the @")
    user.add_argument("--role", default="analyst", choices=["owner", "admin", "analyst", "viewer"])
    user.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )
    add("version", _version, "print the version", has_json=True)
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


def _up(_: argparse.Namespace) -> int:
    from aiser_app.stack.up import up

    return up(_say)


def _web(_: argparse.Namespace) -> int:
    from aiser_app.stack.web_server import serve

    serve(current_settings())
    return 0


def _worker(_: argparse.Namespace) -> int:
    from aiser_app.worker.__main__ import main as work

    return int(work() or 0)


def _scheduler(_: argparse.Namespace) -> int:
    from aiser_app.worker.schedule import main as schedule

    return int(schedule() or 0)


def _migrate(options: argparse.Namespace) -> int:
    from aiser_app.db.migrations import upgrade_to_head

    url = current_settings().database_url
    if not url:
        raise AiserError(
            "No database is known.",
            hint="Set DATABASE_URL, or start Aiser with `make run`, which migrates by itself.",
        )
    upgrade_to_head(url)
    _say(json.dumps({"status": "at_head"}) if options.json else "The tables are up to date.")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from aiser_app.stack.doctor import examine

    findings = examine(current_settings())
    well = all(finding.ok for finding in findings)
    if options.json:
        _say(json.dumps({"ok": well, "findings": [asdict(finding) for finding in findings]}))
        return 0 if well else 1
    for finding in findings:
        _say(f"{'ok ' if finding.ok else 'BAD'}  {finding.name:<14} {finding.detail}")
        if not finding.ok and finding.hint:
            _say(f"{'':<20}→ {finding.hint}")
    return 0 if well else 1


def _ask(options: argparse.Namespace) -> int:
    from aiser_app.bootstrap.web import services

    door = services()
    actor = door.accounts.operator()
    run = door.chat.ask(actor, options.question, source=options.source)
    seconds = current_settings().run_deadline_seconds + 10.0
    asyncio.run(door.runs.wait(actor, run.run_id, seconds))
    view = door.runs.view(actor, run.run_id)
    _say(json.dumps(view, ensure_ascii=False) if options.json else _readable(view))
    return 0 if view["status"] in ("answered", "needs_input") else 1


def _query(options: argparse.Namespace) -> int:
    from aiser_app.bootstrap.web import services
    from aiser_app.services.queries import QUEUE_SECONDS, QueryInput

    door = services()
    actor = door.accounts.operator()
    first = door.sources.default(actor)
    given = QueryInput(
        sources=options.source or ([first.source_id] if first else []),
        sql=sys.stdin.read() if options.sql == "-" else options.sql,
        limit=options.limit,
        timeout_seconds=options.timeout,
        purpose="cli",
        bypass_cache=options.refresh,
    )
    run = door.queries.submit(actor, given).run
    seconds = (run.deadline_at - run.created_at).total_seconds() + QUEUE_SECONDS
    if not run.status.is_final:
        asyncio.run(door.runs.wait(actor, run.run_id, seconds))
    view = door.runs.view(actor, run.run_id)
    _say(json.dumps(view, ensure_ascii=False) if options.json else _readable_query(view))
    return 0 if view["status"] == "succeeded" else 1


def _readable_query(view: dict[str, Any]) -> str:
    """A finished query as text: up to 100 rows, and how they came about."""
    from aiser_app.stack.text_table import text_table

    if view["status"] != "succeeded":
        error = view.get("error") or {}
        told = [error.get("message") or f"The query is {view['status']}.", error.get("hint") or ""]
        return " ".join(part for part in told if part)
    names = [str(column["name"]) for column in view["columns"]]
    cut = ", cut off at the limit" if view["truncated"] else ""
    took = "from the cache" if view["from_cache"] else f"{view['engine_ms']:,.0f} ms"
    facts = f"{view['row_count']:,} rows{cut} · {view['route']} · {took}"
    return "\n\n".join([text_table(names, view["rows"], limit=100), facts])


def _model(options: argparse.Namespace) -> int:
    from aiser_app.bootstrap.web import services
    from aiser_app.stack.model_files import run_model_command

    door = services()
    actor = door.accounts.operator()
    return run_model_command(door.models, actor, options, _say)


def _rotate_keys(options: argparse.Namespace) -> int:
    from aiser_app.bootstrap.web import services

    count = services().key_rotation.rotate()
    told = f"{count} addresses of data sources are encrypted with a new key."
    _say(json.dumps({"renewed": count}) if options.json else told)
    return 0


def _readable(view: dict[str, Any]) -> str:
    """A finished ask as text: the answer, up to 20 rows, and what stands behind it."""
    from aiser_app.stack.text_table import text_table

    if view["status"] == "needs_input":
        clarification = view.get("clarification") or {}
        options = [f"  - {option}" for option in clarification.get("options", [])]
        return "\n".join([str(clarification.get("question") or view.get("text", "")), *options])
    if view["status"] != "answered":
        error = view.get("error") or {}
        return str(error.get("message") or view.get("text") or f"The run is {view['status']}.")
    parts = [str(view["text"])]
    if view.get("rows"):
        names = [str(column["name"]) for column in view["columns"]]
        parts.append(text_table(names, view["rows"], limit=20))
        if view.get("truncated"):
            parts.append("The result was cut; totals over it would be wrong.")
    if view.get("sql"):
        parts.append(f"SQL: {view['sql']}")
    return "\n\n".join(parts)


def _create_user(options: argparse.Namespace) -> int:
    from aiser_app.bootstrap.web import services

    if options.password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = getpass.getpass("Password: ")
    accounts = services().accounts
    user = accounts.create_user(
        accounts.operator(),
        name=options.name or options.email.partition("@")[0],
        email=options.email,
        role=options.role,
        password=password,
    )
    done = {"user_id": user.user_id, "email": user.email, "role": options.role}
    _say(json.dumps(done) if options.json else f"{user.email} can sign in now ({options.role}).")
    return 0


def _version(options: argparse.Namespace) -> int:
    _say(json.dumps({"version": __version__}) if options.json else __version__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
