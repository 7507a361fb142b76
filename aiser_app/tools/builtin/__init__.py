"""The tools that come with Aiser; each has a row in docs/tools.md."""
