"""What an actor may do, by name; which role holds what is decided in `access.permissions`."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    SOURCES_READ = "sources.read"
    """See data sources and their semantic models."""
    SOURCES_MANAGE = "sources.manage"
    """Add, change and remove data sources."""
    SOURCES_UPLOAD = "sources.upload"
    """Upload files as sources of the organization, and renew those of one's own."""
    POLICIES_MANAGE = "policies.manage"
    """See and change which rows and columns people get to see, and the attributes this uses."""
    QUERIES_RUN = "queries.run"
    """Run queries of one's own, and stop them."""
    MONITORING_READ = "monitoring.read"
    """See the queries of everybody: text, times, errors, advice; never their rows."""
    QUESTIONS_ASK = "questions.ask"
    """Ask questions, and stop the runs of one's own."""
    VERIFIED_QUERIES_MANAGE = "verified_queries.manage"
    """Write, approve, edit and retire verified queries, and evaluate them."""
    CONVERSATIONS_READ = "conversations.read"
    """Read conversations, runs and results of one's own; nobody reads those of others."""
    CONVERSATIONS_MANAGE = "conversations.manage"
    """Rename, delete and restore conversations of one's own."""
    API_KEYS_MANAGE = "api_keys.manage"
    """Make, list and revoke keys of one's own; never held by a key itself."""
    USERS_READ = "users.read"
    """See the people of the organization."""
    USERS_MANAGE = "users.manage"
    """Add people, change their role, and let them in or keep them out; owners excepted."""
    OWNERS_MANAGE = "owners.manage"
    """The same for owners."""
