"""What asks for approval, and what a version does to the target: the words that every layer shares."""

from __future__ import annotations

from enum import Enum


class ReleaseKind(str, Enum):
    """What asks for approval."""

    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    RETIREMENT = "retirement"
    IMPORT = "import"
    GATE = "gate"
    EXPORT = "export"
    """Asks nobody, see :data:`KINDS_THAT_ASK`."""


KINDS_THAT_ASK = tuple(kind for kind in ReleaseKind if kind is not ReleaseKind.EXPORT)
"""Kinds that a flow can be of. Who may export is a matter of rights; flows for it could once be made."""


class ChangeKind(str, Enum):
    """What a submission or candidate does to the target."""

    NEW = "new"
    MODIFIED = "modified"
    RENAMED = "renamed"
    """The DAG file is at another path; its content may differ too."""
    DELETED = "deleted"
