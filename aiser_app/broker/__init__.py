"""Everything that goes through Redis: jobs, run events, leases, limits, and who is alive."""
