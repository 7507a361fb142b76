"""What each database says in its own way: spans and parts of time, durations, percentiles."""
