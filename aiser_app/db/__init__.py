"""Aiser's own Postgres: tables, migrations, and the unit of work around them."""
