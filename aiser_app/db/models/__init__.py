"""Tables, one file per noun. Importing this package registers all of them."""

from aiser_app.db.models.api_key import ApiKeyRow
from aiser_app.db.models.audit_event import AuditEventRow
from aiser_app.db.models.conversation import ConversationRow
from aiser_app.db.models.data_source import DataSourceRow
from aiser_app.db.models.metadata import METADATA
from aiser_app.db.models.organization import OrganizationRow
from aiser_app.db.models.result import ResultRow
from aiser_app.db.models.run import RunRow
from aiser_app.db.models.semantic_model import SemanticModelRow
from aiser_app.db.models.session import SessionRow
from aiser_app.db.models.setup_token import SetupTokenRow
from aiser_app.db.models.turn import TurnRow
from aiser_app.db.models.user import UserRow

__all__ = [
    "METADATA",
    "ApiKeyRow",
    "AuditEventRow",
    "ConversationRow",
    "DataSourceRow",
    "OrganizationRow",
    "ResultRow",
    "RunRow",
    "SemanticModelRow",
    "SessionRow",
    "SetupTokenRow",
    "TurnRow",
    "UserRow",
]
