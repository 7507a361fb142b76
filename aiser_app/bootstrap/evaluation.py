"""Evaluations from the command line: of a source of this installation, or of any database at hand.

A database that is named by its URL or path is read, and gets a semantic model, for this evaluation
alone; nothing of it is kept, and no store of Aiser has to run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import duckdb

from aiser_app.access.permissions import permissions_of
from aiser_app.agent.loop import AgentLoop
from aiser_app.agent.reading_model import reading_model
from aiser_app.bootstrap.data_access import DataAccess, build_data_access
from aiser_app.bootstrap.web import build_services
from aiser_app.config import Settings
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.evaluation import CaseScore
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.errors import EngineUnavailable, InvalidInput, NotFound
from aiser_app.evaluation.choosing import Share, called_as
from aiser_app.evaluation.desk import EvaluationDesk, NoJournal
from aiser_app.query.cache import Uncached
from aiser_app.query.catalog import granted, read_catalog
from aiser_app.query.request import QuerySource
from aiser_app.semantic.inference import infer_model
from aiser_app.services.grants import for_agent, query_source
from aiser_app.services.source_setup import SCHEMA_IN_URL
from aiser_app.services.sources import find_source
from aiser_app.tools.builtin.ask_user import AskUser
from aiser_app.tools.builtin.generate_chart import GenerateChart
from aiser_app.tools.builtin.query_data import QueryData
from aiser_app.tools.registry import ToolRegistry

_NOBODY = "0" * 32
"""Id of person and organization where there is no installation."""
_TABLE_FILES = (".parquet", ".csv")


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationOptions:
    today: date | None = None
    is_strict: bool = False


def evaluate(
    shares: Sequence[Share],
    settings: Settings,
    options: EvaluationOptions,
    tell: Callable[[CaseScore], None] = lambda _score: None,
) -> list[CaseScore]:
    """Ask all cases of all sources; `tell` hears of each as it is done.

    Raises:
        NotFound, EngineUnavailable, InvalidInput: a source cannot be opened.
    """
    scores: list[CaseScore] = []
    for share in shares:
        with opened(share.source, settings, options) as desk:
            for case in share.cases:
                score = desk.score(case)
                tell(score)
                scores.append(score)
    return scores


@contextmanager
def opened(source: str, settings: Settings, options: EvaluationOptions) -> Iterator[EvaluationDesk]:
    """What cases over one source need; everything is given back at the end."""
    if "://" in source or "/" in source or Path(source).exists():
        with (
            tempfile.TemporaryDirectory(prefix="aiser-eval-") as folder,
            _at_hand(source, settings, Path(folder), options) as desk,
        ):
            yield desk
        return
    with _installed(source, settings, options) as desk:
        yield desk


@contextmanager
def _at_hand(
    source: str, settings: Settings, folder: Path, options: EvaluationOptions
) -> Iterator[EvaluationDesk]:
    own = settings.model_copy(update={"home": folder})
    own.sources_dir.mkdir()
    data = build_data_access(own, Uncached())
    try:
        found = _data_source(source, data, own.sources_dir)
        report = data.sources.test(found)
        if report.failed_step is not None:
            raise EngineUnavailable(report.failed_step.message or "The database does not answer.")
        catalog = read_catalog(data.engine(found.engine), found)
        actor = Actor(
            user_id=_NOBODY,
            organization_id=_NOBODY,
            role=Role.OWNER,
            permissions=permissions_of(Role.OWNER),
        )
        tables = {table.name: granted(table) for table in catalog.tables}
        whole = QuerySource(source=found, tables=tables)
        model = infer_model(found.source_id, catalog)
        yield _desk(data, own, options, actor, whole, for_agent(whole, model), model)
    finally:
        data.close()


@contextmanager
def _installed(
    source: str, settings: Settings, options: EvaluationOptions
) -> Iterator[EvaluationDesk]:
    """A source of this installation, asked by its operator under all policies."""
    door = build_services(settings)
    try:
        actor = door.accounts.operator()
        with UnitOfWork(door.engine) as uow:
            found = find_source(uow, actor.organization_id, source)
            model = uow.semantic_models.find_latest(actor.organization_id, found.source_id)
            if model is None:
                raise NotFound(f"“{found.name}” was not synchronized yet.")
            whole = query_source(uow, actor, found, model)
        seen = door.sources.model(actor, found.source_id)
        yield _desk(door.data, settings, options, actor, whole, for_agent(whole, model), seen)
    finally:
        door.close()


def _desk(
    data: DataAccess,
    settings: Settings,
    options: EvaluationOptions,
    actor: Actor,
    whole: QuerySource,
    asked: QuerySource,
    model: SemanticModel,
) -> EvaluationDesk:
    engine = whole.source.engine
    return EvaluationDesk(
        agent=AgentLoop(ToolRegistry([QueryData(), GenerateChart(), AskUser()]), reading_model),
        actor=actor,
        granted=whole,
        asked=asked,
        model=model,
        dialect=data.sources.dialects.get(engine, engine),
        queries=data.router(NoJournal()),
        results=data.store,
        row_limit=settings.result_row_limit,
        query_seconds=settings.query_timeout_seconds,
        today=options.today,
        is_strict=options.is_strict,
    )


def _data_source(source: str, data: DataAccess, folder: Path) -> DataSource:
    """The database that a URL or path names; files are linked into `folder`, never written."""
    found = DataSource(
        source_id=_NOBODY,
        organization_id=_NOBODY,
        name=called_as(source) or "data",
        engine="duckdb",
    )
    scheme, _, rest = source.partition("://")
    if "://" not in source or scheme in ("duckdb", "file"):
        path = Path(unquote(rest.removeprefix("/") if rest.startswith("//") else rest) or source)
        name = _tables_of(path, folder) if path.is_dir() else _linked(path, folder)
        is_sqlite = path.suffix in (".sqlite", ".sqlite3")
        if not is_sqlite:
            return replace(found, options={"path": name})
        source = f"sqlite:///{name}"
    elif scheme == "sqlite":
        path = Path(unquote(rest.partition("?")[0].removeprefix("/")))
        source = f"sqlite:///{_linked(path, folder)}"
    address = data.sources.read(source)
    schema = address.database.rpartition("/")[2]
    is_named = address.engine in SCHEMA_IN_URL
    return replace(
        found,
        engine=address.engine,
        sealed_url=data.sources.seal(source),
        options={"schema": schema} if is_named else {},
    )


def _linked(path: Path, folder: Path) -> str:
    if not path.is_file():
        raise InvalidInput(f"There is no file {path.name}.", hint="Give a URL, a path, or a name.")
    name = f"source{path.suffix or '.duckdb'}"
    try:
        os.link(path.resolve(), folder / name)
    except OSError:  # on another file system
        shutil.copyfile(path, folder / name)
    return name


def _tables_of(path: Path, folder: Path) -> str:
    """A DuckDB file with a table for every Parquet or CSV file, called as the file is."""
    files = sorted(file for file in path.iterdir() if file.suffix in _TABLE_FILES)
    if not files:
        raise InvalidInput(f"{path.name} holds no Parquet or CSV file.")
    name = "source.duckdb"
    with duckdb.connect(str(folder / name)) as connection:
        for file in files:
            reader = "read_parquet" if file.suffix == ".parquet" else "read_csv"
            table = file.stem.replace('"', "")
            connection.execute(
                f'CREATE TABLE "{table}" AS SELECT * FROM {reader}(?)',  # noqa: S608 - a file's name
                [str(file)],
            )
    return name
