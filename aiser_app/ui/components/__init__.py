"""Thin wrappers around React parts of our own; the JSX beside them holds no business rules."""
