from __future__ import annotations

from datetime import datetime

from sqlalchemy import select as columns
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from aiser_app.db.identifiers import new_id
from aiser_app.db.models import SemanticModelRow
from aiser_app.db.storable import storable
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.model_facts import with_facts
from aiser_app.domain.model_version import ModelVersion, Origin
from aiser_app.domain.semantic_model import SemanticModel

_INFERRED = (Origin.INFERRED.value,)
_DECIDING = (Origin.EDITED.value, Origin.RESET.value)


class SemanticModelRepository:
    """Versions of a source are numbered as they come, whatever their origin."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        organization_id: str,
        model: SemanticModel,
        created_at: datetime,
        *,
        origin: Origin = Origin.INFERRED,
        author_id: str | None = None,
        note: str = "",
    ) -> None:
        self._session.add(
            SemanticModelRow(
                semantic_model_id=new_id(),
                organization_id=organization_id,
                source_id=model.source_id,
                version=model.version,
                content=storable(encode(model)),
                created_at=created_at,
                origin=origin.value,
                author_id=author_id,
                note=note,
            )
        )
        self._session.flush()

    def find_latest(self, organization_id: str, source_id: str) -> SemanticModel | None:
        """The model in force: the edited one with the newest facts, else the newest inferred one.

        Its `version` is the source's highest, so that it changes with every edit and every sync.
        """
        inferred = self.find_inferred(organization_id, source_id)
        edited = self.find_edited(organization_id, source_id)
        if edited is None or inferred is None:
            model = edited or inferred
        else:
            model = with_facts(edited, inferred)
        if model is None:
            return None
        return _numbered(model, self.find_latest_version(organization_id, source_id))

    def find_inferred(
        self, organization_id: str, source_id: str, *, before: int | None = None
    ) -> SemanticModel | None:
        """The newest that a sync made; with `before`, the one that was the newest at that version."""
        query = self._rows(organization_id, source_id).where(
            col(SemanticModelRow.origin).in_(_INFERRED)
        )
        if before is not None:
            query = query.where(SemanticModelRow.version < before)
        row = self._session.exec(query).first()
        return decode(SemanticModel, row.content) if row else None

    def find_edited(self, organization_id: str, source_id: str) -> SemanticModel | None:
        """What somebody made of the model, unless somebody went back to the inferred one since."""
        row = self._edit_row(organization_id, source_id)
        return decode(SemanticModel, row.content) if row else None

    def find_edit(self, organization_id: str, source_id: str) -> ModelVersion | None:
        """When, by whom and why the edit in force was made."""
        row = self._edit_row(organization_id, source_id)
        if row is None:
            return None
        return ModelVersion(
            version=row.version,
            origin=Origin(row.origin),
            created_at=row.created_at,
            author_id=row.author_id,
            note=row.note,
        )

    def _edit_row(self, organization_id: str, source_id: str) -> SemanticModelRow | None:
        row = self._session.exec(
            self._rows(organization_id, source_id).where(
                col(SemanticModelRow.origin).in_(_DECIDING)
            )
        ).first()
        return row if row is not None and row.origin == Origin.EDITED else None

    def find(self, organization_id: str, source_id: str, version: int) -> SemanticModel | None:
        """As it was written."""
        row = self._session.exec(
            self._rows(organization_id, source_id).where(SemanticModelRow.version == version)
        ).first()
        return decode(SemanticModel, row.content) if row else None

    def find_latest_version(self, organization_id: str, source_id: str) -> int:
        """0 when the source has no model yet."""
        version = self._session.exec(
            select(SemanticModelRow.version)
            .where(
                SemanticModelRow.organization_id == organization_id,
                SemanticModelRow.source_id == source_id,
            )
            .order_by(col(SemanticModelRow.version).desc())
        ).first()
        return version or 0

    def list_versions(
        self, organization_id: str, source_id: str, *, limit: int
    ) -> list[ModelVersion]:
        """The newest first."""
        rows = self._session.execute(
            columns(
                col(SemanticModelRow.version),
                col(SemanticModelRow.origin),
                col(SemanticModelRow.created_at),
                col(SemanticModelRow.author_id),
                col(SemanticModelRow.note),
            )
            .where(
                col(SemanticModelRow.organization_id) == organization_id,
                col(SemanticModelRow.source_id) == source_id,
            )
            .order_by(col(SemanticModelRow.version).desc())
            .limit(limit)
        )
        return [
            ModelVersion(
                version=version,
                origin=Origin(origin),
                created_at=created_at,
                author_id=author_id,
                note=note,
            )
            for version, origin, created_at, author_id, note in rows
        ]

    @staticmethod
    def _rows(organization_id: str, source_id: str) -> SelectOfScalar[SemanticModelRow]:
        return (
            select(SemanticModelRow)
            .where(
                SemanticModelRow.organization_id == organization_id,
                SemanticModelRow.source_id == source_id,
            )
            .order_by(col(SemanticModelRow.version).desc())
        )


def _numbered(model: SemanticModel, version: int) -> SemanticModel:
    return SemanticModel(source_id=model.source_id, cubes=model.cubes, version=version)
