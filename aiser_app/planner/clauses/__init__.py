"""Rich questions: clauses with roles of their own, read under every table that could be meant."""
