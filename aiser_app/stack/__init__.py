"""The embedded stack: servers from wheels, the supervisor above them, the frontend build.

Modules here start processes; none of them is imported by the web process or a worker.
"""
