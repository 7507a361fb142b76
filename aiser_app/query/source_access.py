"""Databases as services may touch them outside of queries: their address, a test, their catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiser_app.domain.connection import ConnectionReport
from aiser_app.domain.data_source import DataSource
from aiser_app.errors import EngineUnavailable
from aiser_app.query.connection import Address, read_address, shown
from aiser_app.query.engines.contract import Engine


@dataclass(frozen=True, kw_only=True)
class SourceAccess:
    """Holds the engines of a process, so that nobody above has to know them."""

    engines: Mapping[str, Engine]
    seal: Callable[[str], str]
    unseal: Callable[[str], str]

    def read(self, url: str) -> Address:
        """The URL as an address of a known engine.

        Raises:
            InvalidInput: a scheme, host or parameter that may not be used.
            EngineUnavailable: there is no engine for it here.
        """
        address = read_address(url)
        self.engine(address.engine)
        return address

    def shown(self, source: DataSource) -> str:
        """The address of a source for people: without its password; empty for kept files."""
        return shown(read_address(self.unseal(source.sealed_url))) if source.sealed_url else ""

    def test(self, source: DataSource) -> ConnectionReport:
        return self.engine(source.engine).test(source)

    def engine(self, name: str) -> Engine:
        """Raises `EngineUnavailable`."""
        engine = self.engines.get(name)
        if engine is None:
            raise EngineUnavailable(
                f"There is no engine “{name}” here.", hint="docs/engines.md lists them."
            )
        return engine

    @property
    def dialects(self) -> dict[str, str]:
        """The SQL that each engine speaks, by the engine's name."""
        return {name: engine.dialect for name, engine in self.engines.items()}

    def close(self) -> None:
        for engine in self.engines.values():
            engine.close()
