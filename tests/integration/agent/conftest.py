from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiser_app.domain.data_source import DataSource
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.query.engines.duckdb import DuckDBEngine
from tests.fixtures.agent_run import AgentRun


@pytest.fixture
def agent_run(
    sample_source: DataSource,
    sample_model: SemanticModel,
    sample_engine: DuckDBEngine,
    tmp_path: Path,
) -> Callable[..., AgentRun]:
    """Makes a run on the sample; options as in `AgentRun`."""

    def make(**options: Any) -> AgentRun:
        return AgentRun(
            source=sample_source,
            model=sample_model,
            engine=sample_engine,
            folder=tmp_path,
            **options,
        )

    return make
