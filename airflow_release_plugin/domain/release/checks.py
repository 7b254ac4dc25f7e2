"""What a check of a release said, as plain data that travels from the worker to the server and into pages."""

from __future__ import annotations

from enum import Enum


class CheckStatus(str, Enum):
    """Outcome of one check."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"


class ReportKind(str, Enum):
    """Which step reported."""

    CHECK = "check"
    """Before approval: the tree that the target would have, parsed on a worker."""
    VERIFICATION = "verification"
    """After promotion: what Airflow serves."""
    SOAK = "soak"
    """After promotion: whether the first runs succeeded."""
    TEST = "test"
    """A step of a pipeline of one's own, such as an integration test."""
