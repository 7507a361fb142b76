"""Files that may be sources: those that lie in Aiser's folder of sources, and nothing else."""

from __future__ import annotations

from pathlib import Path

from aiser_app.errors import InvalidInput
from aiser_app.query.connection.address import Address


def source_file(folder: Path, address: Address) -> Path:
    """The file that an address names.

    Raises:
        InvalidInput: there is no such file in the folder; a link out of it counts as none.
    """
    root = folder.resolve()
    path = (root / address.database).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise InvalidInput(
            f"There is no file {address.database} among the sources.",
            hint="Put it into the folder `sources` of Aiser's data folder.",
        )
    return path
