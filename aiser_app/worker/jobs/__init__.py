"""Jobs by name: thin functions over services, each with a row in docs/jobs.md."""
