"""What an agent can do: typed tools behind permissions, each call logged and timed."""
