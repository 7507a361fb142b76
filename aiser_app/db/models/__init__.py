"""Tables, one file per noun. Importing this package registers all of them."""

from aiser_app.db.models.answer_feedback import AnswerFeedbackRow as AnswerFeedbackRow
from aiser_app.db.models.api_key import ApiKeyRow as ApiKeyRow
from aiser_app.db.models.audit_event import AuditEventRow as AuditEventRow
from aiser_app.db.models.conversation import ConversationRow as ConversationRow
from aiser_app.db.models.data_policy import DataPolicyRow as DataPolicyRow
from aiser_app.db.models.data_source import DataSourceRow as DataSourceRow
from aiser_app.db.models.evaluation import EvaluationRow as EvaluationRow
from aiser_app.db.models.metadata import METADATA as METADATA
from aiser_app.db.models.organization import OrganizationRow as OrganizationRow
from aiser_app.db.models.query_record import QueryRecordRow as QueryRecordRow
from aiser_app.db.models.result import ResultRow as ResultRow
from aiser_app.db.models.run import RunRow as RunRow
from aiser_app.db.models.seed_questions import SeedQuestionsRow as SeedQuestionsRow
from aiser_app.db.models.semantic_model import SemanticModelRow as SemanticModelRow
from aiser_app.db.models.session import SessionRow as SessionRow
from aiser_app.db.models.setup_token import SetupTokenRow as SetupTokenRow
from aiser_app.db.models.source_table import SourceTableRow as SourceTableRow
from aiser_app.db.models.turn import TurnRow as TurnRow
from aiser_app.db.models.user import UserRow as UserRow
from aiser_app.db.models.verified_query import VerifiedQueryRow as VerifiedQueryRow
