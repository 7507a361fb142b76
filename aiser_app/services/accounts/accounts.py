from __future__ import annotations

from aiser_app.services.accounts.api_keys import ApiKeys
from aiser_app.services.accounts.people import People
from aiser_app.services.accounts.setup import Setup


class Accounts(Setup, People, ApiKeys):
    """Setup, sign-in, users and API keys: everything about who may come in."""
