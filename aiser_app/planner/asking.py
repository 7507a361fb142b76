"""What to say instead of an answer: the reason, and questions that can be answered."""

from __future__ import annotations

from datetime import date

from aiser_app.domain.answer import Clarification
from aiser_app.planner.lexicon import Lexicon
from aiser_app.planner.reading import Unreadable
from aiser_app.planner.suggestions import example_questions

_EXAMPLES = 4


class Asking:
    """Clarifications over one model."""

    def __init__(self, lexicon: Lexicon, today: date) -> None:
        self.lexicon = lexicon
        self.today = today

    def examples(self, judged: Unreadable | None = None) -> tuple[str, ...]:
        """Examples close to what was understood; the general ones are built once per model."""
        cubes = tuple(
            dict.fromkeys(b.member.partition(".")[0] for b in judged.bound) if judged else ()
        )
        key = cubes[:1]
        if key not in self.lexicon.examples:
            self.lexicon.examples[key] = example_questions(self.lexicon, key, _EXAMPLES)
        return self.lexicon.examples[key]

    def about(self, text: str, *, reason: str) -> Unreadable:
        return Unreadable(
            clarification=Clarification(question=text, options=self.examples()), reason=reason
        )
