"""The loop from a question to a proven answer: a chat model, the tools, a budget."""
