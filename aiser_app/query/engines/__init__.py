"""Adapters to databases. Imported only by `query` and `bootstrap`: nothing else reaches data."""
