"""The chat page: conversations, questions, and the answers with their proof."""
