"""The nouns that layers exchange: frozen dataclasses, no I/O."""
