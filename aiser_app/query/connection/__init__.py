"""How an engine reaches a database: the URL it may use, the host it may reach, pools, tests."""

from aiser_app.query.connection.address import Address, read_address, shown
from aiser_app.query.connection.hosts import HostRules, check_host, host_rules
from aiser_app.query.connection.pool import Lease, Pools
from aiser_app.query.connection.steps import (
    NOT_ENCRYPTED,
    SignedIn,
    StepFailed,
    failed_report,
    test_network,
)

__all__ = [
    "NOT_ENCRYPTED",
    "Address",
    "HostRules",
    "Lease",
    "Pools",
    "SignedIn",
    "StepFailed",
    "check_host",
    "failed_report",
    "host_rules",
    "read_address",
    "shown",
    "test_network",
]
