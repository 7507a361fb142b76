from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.query.cube.desk import CubeDesk, open_desk
from tests.unit.query.cube.scripted import ScriptedCube, scripted_cube


@pytest.fixture
def cube() -> Iterator[ScriptedCube]:
    with scripted_cube() as running:
        yield running


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set when the test is over, so that no script hangs longer."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def desk(cube: ScriptedCube, tmp_path: Path) -> Iterator[CubeDesk]:
    with open_desk(cube, tmp_path) as made:
        yield made
