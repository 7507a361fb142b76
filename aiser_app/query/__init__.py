"""The one gate to every database: guard, route, engine, result store."""
