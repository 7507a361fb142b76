"""The page of verified questions: proposals, their evaluation, its trend."""
