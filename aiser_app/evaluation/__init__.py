"""Questions with known answers, put to the agent through the real gate; see docs/evaluation.md."""
