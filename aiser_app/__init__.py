"""Aiser: questions in plain language, proven answers out of your own data."""

__version__ = "0.1.0"
