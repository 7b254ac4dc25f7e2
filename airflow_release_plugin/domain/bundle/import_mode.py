"""What becomes of the versions that an import brings."""

from __future__ import annotations

from enum import Enum


class ImportMode(str, Enum):
    """What is asked for when a bundle is applied."""

    SUBMIT = "submit"
    """Its versions wait in the to-be-released list."""
    RELEASE = "release"
    """They are put into a release at once, which people approve under the flow for imports."""
    RECORD = "record"
    """They are released on the ground of the approvals that the bundle carries, where that may count."""
