"""Questions over real databases, to measure how far the planner gets; not part of `make test`."""
