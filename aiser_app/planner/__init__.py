"""Question to semantic query without a language model: anchors, small grammars, a ranked beam."""
