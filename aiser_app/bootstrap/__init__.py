"""Settings → Services: the only place that picks adapters. One module per kind of process."""
