"""The process that does the work: takes jobs from the queues, one at a time."""
