"""Where a version is now."""

from __future__ import annotations

from enum import Enum


class VersionPlace(str, Enum):
    """What became of a version, as its record says."""

    IN_TARGET = "in_target"
    """The target serves it."""
    REPLACED = "replaced"
    """The target served it until a later version came."""
    ROLLED_BACK = "rolled_back"
    """The target served it until it was taken back."""
    RETIRED = "retired"
    """It took the DAG out of the target, and the DAG has stayed out."""
    WAITING = "waiting"
    """In the to-be-released list, or in an open release."""
    NEVER = "never"
    """It never came to the target and will not: a newer one was submitted, or it was taken off the list."""
