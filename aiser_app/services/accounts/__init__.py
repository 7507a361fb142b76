"""People and how they get in: setup, sign-in, users, API keys."""

from aiser_app.services.accounts.accounts import Accounts

__all__ = ["Accounts"]
