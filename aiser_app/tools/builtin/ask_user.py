"""Asks the person instead of guessing; the run ends and waits for the next question."""

from __future__ import annotations

from pydantic import Field

from aiser_app.domain.answer import Clarification
from aiser_app.domain.permission import Permission
from aiser_app.tools.contract import Arguments, ToolContext, ToolOutput

MAX_OPTIONS = 8


class AskUserArguments(Arguments):
    question: str = Field(min_length=1, max_length=2_000, description="What you need to know.")
    options: list[str] = Field(
        default_factory=list,
        max_length=MAX_OPTIONS,
        description="Complete questions that can be asked as they are.",
    )
    unknown_words: list[str] = Field(
        default_factory=list,
        max_length=40,
        description="Words of the question that nothing in the data stands for.",
    )


class AskUser:
    name = "ask_user"
    description = (
        "Ask the person when the question can mean several things or names something that the data "
        "does not have. Ends the run; offer complete questions as options."
    )
    permission = Permission.QUESTIONS_ASK
    arguments = AskUserArguments
    ends_run = True

    def call(self, arguments: AskUserArguments, context: ToolContext) -> ToolOutput:
        clarification = Clarification(
            question=arguments.question,
            options=tuple(dict.fromkeys(arguments.options)),
            unknown_words=tuple(dict.fromkeys(arguments.unknown_words)),
        )
        context.findings.clarification = clarification
        return ToolOutput(for_model={"asked": arguments.question}, for_user=clarification)
