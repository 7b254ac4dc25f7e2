"""What may be wrong between what was approved and what runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class FindingKind(str, Enum):
    """What sort of difference was found."""

    EDITED = "edited"
    """A served file has other bytes than its commit: somebody edited it, or the disk lies."""
    GONE = "gone"
    """A file of the commit is not in the served tree."""
    EXTRA = "extra"
    """A served tree has a file that its commit has not."""
    NOT_SERVED = "not_served"
    """A machine serves another commit than the branch is at, longer than a refresh takes."""
    MOVED = "moved"
    """The branch is not where the last promotion left it."""
    UNAPPROVED = "unapproved"
    """A commit of the branch is not what an approved release brought."""
    AUDIT_BROKEN = "audit_broken"
    """The audit trail was changed."""


@dataclass(frozen=True)
class Finding:
    """
    One difference.

    :param place: what it was found in: a tree on a machine, a commit, the branch, the trail
    :param path: the file, for those about one
    """

    kind: FindingKind
    place: str
    detail: str
    path: str = ""

    def to_dict(self) -> dict[str, str]:
        """As JSON values."""
        return {"kind": self.kind.value, "place": self.place, "detail": self.detail, "path": self.path}

    @staticmethod
    def from_dict(data: Mapping[str, str]) -> Finding:
        """From what :meth:`to_dict` made."""
        return Finding(FindingKind(data["kind"]), data["place"], data["detail"], data["path"])
