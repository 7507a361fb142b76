"""The business layer: inferring a model from a catalog, compiling semantic queries to SQL."""
