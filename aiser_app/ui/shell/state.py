"""State of the shell: who is here, and their conversations."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from aiser_app.domain.actor import Actor
from aiser_app.domain.permission import Permission
from aiser_app.errors import AiserError, InvalidInput
from aiser_app.ui.calls import call, services
from aiser_app.ui.guard import requires

CONVERSATIONS_SHOWN = 200


@dataclass(kw_only=True)
class ConversationItem:
    conversation_id: str
    title: str
    link: str


class ShellState(rx.State):
    """What the rail and the top bar show."""

    is_ready: bool = False
    name: str = ""
    initials: str = ""
    organization_name: str = ""
    email: str = ""
    role: str = ""
    can_ask: bool = False
    can_verify: bool = False
    conversations: list[ConversationItem] = []
    search: str = ""
    renaming_id: str = ""
    deleted_id: str = ""
    deleted_title: str = ""
    current_id: str = ""
    title: str = ""
    problem: str = ""
    problem_hint: str = ""
    is_store_down: bool = False

    @rx.event
    @requires(Permission.CONVERSATIONS_READ)
    async def load(self, actor: Actor):
        self.name = actor.name
        self.initials = initials(actor.name)
        self.organization_name = actor.organization_name
        self.email = actor.email
        self.role = actor.role.value
        self.can_ask = actor.may(Permission.QUESTIONS_ASK)
        self.can_verify = actor.may(Permission.VERIFIED_QUERIES_MANAGE)
        await self._list(actor)
        self.is_ready = True

    @rx.event
    @requires(Permission.CONVERSATIONS_READ)
    async def refresh(self, actor: Actor):
        await self._list(actor)

    @rx.event
    @requires(Permission.CONVERSATIONS_READ)
    async def find(self, actor: Actor, text: str):
        self.search = text[:200]
        await self._list(actor)

    @rx.event
    @requires(Permission.CONVERSATIONS_MANAGE)
    async def choose(self, actor: Actor, conversation_id: str, action: str):
        """What the menu of a conversation offers."""
        if action == "rename":
            self.renaming_id = conversation_id
            return None
        if action == "delete":
            return await self._delete(actor, conversation_id)
        raise InvalidInput("There is no such action.")

    @rx.event
    @requires(Permission.CONVERSATIONS_MANAGE)
    async def rename(self, actor: Actor, conversation_id: str, title: str):
        self.renaming_id = ""
        await call(services().conversations.rename, actor, conversation_id, title)
        if conversation_id == self.current_id:
            self.title = title.strip()
        await self._list(actor)

    @rx.event
    @requires(Permission.CONVERSATIONS_MANAGE)
    async def keep_name(self, actor: Actor):
        self.renaming_id = ""

    @rx.event
    @requires(Permission.CONVERSATIONS_MANAGE)
    async def undo_delete(self, actor: Actor):
        if not self.deleted_id:
            return None
        restored, self.deleted_id = self.deleted_id, ""
        await call(services().conversations.restore, actor, restored)
        await self._list(actor)
        return rx.redirect(f"/chat/{restored}")

    @rx.event
    @requires(Permission.CONVERSATIONS_MANAGE)
    async def forget_undo(self, actor: Actor):
        self.deleted_id = ""

    @rx.event
    @requires(Permission.CONVERSATIONS_READ)
    async def dismiss_problem(self, actor: Actor):
        self.problem = ""
        self.problem_hint = ""
        self.is_store_down = False

    @rx.event
    @requires(Permission.CONVERSATIONS_READ)
    async def show_failure(self, actor: Actor):
        """Tell of a failure that nobody foresaw; the log has the rest."""
        self.problem = "Something went wrong inside Aiser."
        self.problem_hint = "Try again. If it stays, the server's log has the details."

    async def _delete(self, actor: Actor, conversation_id: str):
        found = await call(services().conversations.get, actor, conversation_id)
        await call(services().conversations.delete, actor, conversation_id)
        self.deleted_id = conversation_id
        self.deleted_title = found.title
        await self._list(actor)
        return rx.redirect("/chat") if conversation_id == self.current_id else None

    async def _list(self, actor: Actor) -> None:
        found = await call(
            services().conversations.list, actor, self.search, limit=CONVERSATIONS_SHOWN
        )
        self.conversations = [
            ConversationItem(
                conversation_id=item.conversation_id,
                title=item.title,
                link=f"/chat/{item.conversation_id}",
            )
            for item in found
        ]
        self.problem = ""
        self.is_store_down = False

    def _report(self, error: AiserError) -> None:
        self.problem = error.message
        self.problem_hint = error.hint or ""
        self.is_store_down = error.http_status == 503
        self.is_ready = True


def initials(name: str) -> str:
    """Up to two letters of a name."""
    words = [word for word in name.split() if word[:1].isalnum()]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [word[:2] for word in words]
    return "".join(letters).upper()
