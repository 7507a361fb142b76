"""Random schemas and queries, and what the queries must give, worked out row by row in Python."""
