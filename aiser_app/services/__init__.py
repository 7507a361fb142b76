"""Use cases: the one door for pages, API, workers and the command line. One call, one transaction."""
