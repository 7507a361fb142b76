"""The planner's front door: a question and a model in, a reading or the reason for none out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from aiser_app.domain.answer import Clarification
from aiser_app.domain.confirmed_question import split_confirmed
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.domain.value_index import ValueIndex
from aiser_app.planner.asking import Asking
from aiser_app.planner.calibration import calibrated
from aiser_app.planner.clauses.definitions import write_out
from aiser_app.planner.clauses.judging import judge_rich, rich_readings
from aiser_app.planner.clauses.timeliness import is_time_verb
from aiser_app.planner.clauses.variants import asks_several
from aiser_app.planner.confirming import ask_which, find_confirmed, is_sure
from aiser_app.planner.follow_up import read_follow_up
from aiser_app.planner.judging import WIDE, judge
from aiser_app.planner.lexicon import lexicon_for
from aiser_app.planner.reading import ANSWER_FROM, Reading, Unreadable
from aiser_app.planner.recalled_values import with_recalled_values
from aiser_app.planner.words import sentences

_POLITE = frozenset(("thanks", "thank you", "please", "thx", "hi", "hello", "hey"))
_CLEARER = 0.85
_OPEN = frozenset(("unsure", "unsupported"))
"""Reasons for which a reading may be offered all the same: no word of it is unknown."""
_LONGEST_QUESTION = 60
"""Words; longer texts carry more than one thing and are never one simple question."""


def plan(
    question: str,
    model: SemanticModel,
    *,
    today: date,
    previous: SemanticQuery | None = None,
    instructions: str = "",
    values: ValueIndex | None = None,
) -> Reading | Unreadable:
    """Read one question; `previous` is the query that a follow-up such as "by month" changes.

    `instructions` defines terms: "Net revenue is the order total less shipping, completed orders only."
    `values` knows what is in columns with many values.
    """
    asked, wanted = split_confirmed(question)
    written = write_out(asked, instructions) if instructions else asked
    asking = Asking(with_recalled_values(lexicon_for(model), asked, values), today)
    read = _read(written, asking, today, previous)
    if isinstance(read, _FollowUp):
        return read.reading
    if wanted:
        first = (read,) if isinstance(read, Reading) else ()
        more = rich_readings(written, asking.lexicon, today)
        confirmed = find_confirmed(wanted, (*first, *more))
        if confirmed is not None:
            return confirmed
    return _measured(asked, written, read, asking, today)


def likeliest(
    question: str, model: SemanticModel, *, today: date, instructions: str = ""
) -> Reading | Unreadable:
    """The best reading before its confidence is measured: what that is trained on."""
    written = write_out(question, instructions) if instructions else question
    read = _read(written, Asking(lexicon_for(model), today), today, None)
    return read.reading if isinstance(read, _FollowUp) else read


def _measured(
    asked: str, written: str, read: Reading | Unreadable, asking: Asking, today: date
) -> Reading | Unreadable:
    """With the confidence that was measured for its kind; below the bar it becomes a question."""
    if isinstance(read, Unreadable):
        if read.reason not in _OPEN or read.clarification.options:
            return _answer_or_ask(read, asking)
        readings = rich_readings(written, asking.lexicon, today)
        return ask_which(asked, readings) if readings else _answer_or_ask(read, asking)
    sure = calibrated(asked, read)
    if is_sure(sure):
        return sure
    return ask_which(asked, (read, *rich_readings(written, asking.lexicon, today)))


@dataclass(frozen=True, slots=True)
class _FollowUp:
    """Rests on the query before it, so its few words say nothing of how sure it is."""

    reading: Reading | Unreadable


def _read(
    question: str, asking: Asking, today: date, previous: SemanticQuery | None
) -> Reading | Unreadable | _FollowUp:
    parts = [p for p in sentences(question) if p.lower().strip(" ,.!") not in _POLITE]
    if not parts:
        return asking.about("There is no question in this text.", reason="empty")
    if len(parts) > 1:
        if asks_several(question):
            return _several(asking)
        whole = judge_rich(question, asking.lexicon, today)
        if isinstance(whole, Reading) or whole.reason == "command":
            return whole
        return _several(asking)
    if len(parts[0].split()) > _LONGEST_QUESTION:
        return asking.about(
            f"Questions can be {_LONGEST_QUESTION} words long. Ask for one thing at a time.",
            reason="too long",
        )
    alone = judge(parts[0], asking.lexicon, today)
    if isinstance(alone, Unreadable) and previous is not None:
        followed = read_follow_up(parts[0], asking.lexicon, today, previous)
        if isinstance(followed, Unreadable) and followed.clarification.options:
            return _FollowUp(followed)
        if isinstance(followed, Reading) and followed.score >= ANSWER_FROM:
            return _FollowUp(followed)
    if isinstance(alone, Unreadable) or _needs_more(parts[0]) or _is_one_day(alone):
        alone = _richer(parts[0], alone, asking, today)
    return alone


def _several(asking: Asking) -> Unreadable:
    return asking.about("This is more than one question. Ask them one at a time.", reason="several")


def _richer(
    text: str, alone: Reading | Unreadable, asking: Asking, today: date
) -> Reading | Unreadable:
    """What the wide grammar makes of it; a question back with options needs more to be overruled."""
    rich = judge_rich(text, asking.lexicon, today)
    if isinstance(rich, Unreadable):
        is_wide = isinstance(alone, Unreadable) and alone.reason == WIDE
        return rich if rich.reason == "command" or is_wide else alone
    if isinstance(alone, Unreadable) and alone.clarification.options and rich.score < _CLEARER:
        return alone
    if isinstance(alone, Reading) and not (rich.query.metrics or _tells_of_dates(text)):
        return alone
    return rich


def _is_one_day(alone: Reading) -> bool:
    """One day can mean what was valid on it."""
    ranges = [t.date_range for t in alone.query.time_dimensions if t.date_range]
    return any(first == last for first, last in ranges)


def _tells_of_dates(text: str) -> bool:
    """Verbs that choose a date, or one day: only the wide grammar knows what they do to periods."""
    words = text.lower().replace("?", " ").split()
    return (
        any(is_time_verb(word) for word in words)
        or "on" in words
        or ("date" in words and "by" in words)
    )


def _needs_more(text: str) -> bool:
    return "per" in text.lower().split() or _tells_of_dates(text)


def _answer_or_ask(judged: Reading | Unreadable, asking: Asking) -> Reading | Unreadable:
    if isinstance(judged, Reading):
        return judged
    if judged.clarification.options:
        return judged
    return Unreadable(
        clarification=Clarification(
            question=judged.clarification.question,
            options=asking.examples(judged),
            unknown_words=judged.clarification.unknown_words,
        ),
        bound=judged.bound,
        unbound=judged.unbound,
        reason=judged.reason,
    )
