"""Which chat model reads a question: the planner, and before it what a person has checked."""

from __future__ import annotations

from langchain_core.language_models.chat_models import BaseChatModel

from aiser_app.agent.context import AgentContext
from aiser_app.agent.verified_model import VerifiedChatModel
from aiser_app.planner.chat_model import PlannerChatModel


def reading_model(context: AgentContext) -> BaseChatModel:
    """One instance per run."""
    planner = PlannerChatModel(
        model=context.model,
        today=context.today,
        previous=context.previous,
        instructions=context.instructions,
        values=context.values,
    )
    if context.verified is None:
        return planner
    return VerifiedChatModel(reader=planner, match=context.verified, today=context.today)
