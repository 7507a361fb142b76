from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from aiser_app.db.identifiers import new_id
from aiser_app.db.models import SemanticModelRow
from aiser_app.db.storable import storable
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.semantic_model import SemanticModel


class SemanticModelRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, organization_id: str, model: SemanticModel, created_at: datetime) -> None:
        self._session.add(
            SemanticModelRow(
                semantic_model_id=new_id(),
                organization_id=organization_id,
                source_id=model.source_id,
                version=model.version,
                content=storable(encode(model)),
                created_at=created_at,
            )
        )
        self._session.flush()

    def find_latest(self, organization_id: str, source_id: str) -> SemanticModel | None:
        row = self._session.exec(
            select(SemanticModelRow)
            .where(
                SemanticModelRow.organization_id == organization_id,
                SemanticModelRow.source_id == source_id,
            )
            .order_by(col(SemanticModelRow.version).desc())
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
