"""What people and clients type: cleaned, or refused with the reason."""

from __future__ import annotations

import re
import unicodedata

from aiser_app.errors import InvalidInput

NAME_MAX_CHARS = 200
EMAIL_MAX_CHARS = 320

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_ALLOWED_CONTROLS = frozenset("\n\t")


def checked_name(name: str, what: str) -> str:
    """One line of text, without surrounding space."""
    cleaned = " ".join(name.split())
    if not cleaned:
        raise InvalidInput(f"{what} is missing.")
    if len(cleaned) > NAME_MAX_CHARS:
        raise InvalidInput(f"{what} has at most {NAME_MAX_CHARS} characters.")
    refuse_binary(cleaned, what)
    return cleaned


def normal_email(email: str) -> str:
    """Lower case, composed: two spellings of one address are one user."""
    return unicodedata.normalize("NFKC", email).strip().lower()


def checked_email(email: str) -> str:
    normal = normal_email(email)
    if len(normal) > EMAIL_MAX_CHARS or not _EMAIL.fullmatch(normal) or has_binary(normal):
        raise InvalidInput("This is not an email address.")
    return normal


def checked_question(question: str, max_chars: int) -> str:
    """The question, without surrounding space and with plain line ends."""
    if len(question) > max_chars:
        raise InvalidInput(
            f"The question has {len(question):,} characters; at most {max_chars:,} are accepted.",
            hint="Ask for one thing at a time.",
        )
    cleaned = question.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not cleaned or not any(character.isprintable() for character in cleaned):
        raise InvalidInput("The question is empty.", hint="Type what you want to know.")
    refuse_binary(cleaned, "The question")
    return cleaned


def title_of(question: str, max_chars: int = 80) -> str:
    """A conversation's title: the first question on one line, cut at a word."""
    line = " ".join(question.split())
    if len(line) <= max_chars:
        return line
    cut = line[: max_chars - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > max_chars // 2 else cut).rstrip() + "…"


def refuse_binary(text: str, what: str) -> None:
    """Raises `InvalidInput` for characters that nobody types."""
    if has_binary(text):
        raise InvalidInput(f"{what} has characters that are not text.", hint="Type it as text.")


def has_binary(text: str) -> bool:
    """Control characters, unassigned ones and halves of surrogate pairs."""
    return any(
        unicodedata.category(character) in ("Cc", "Cs", "Cn") and character not in _ALLOWED_CONTROLS
        for character in text
    )
