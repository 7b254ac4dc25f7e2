"""How big a bundle may be. Writer and reader ask the same, so that what is exported can be imported."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.exceptions import BundleTooLargeError
from airflow_release_plugin.transfer.layout import MAX_BYTES, MAX_MEMBERS

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class BundleLimits:
    """
    Limits in bytes, but for two.

    :param archive: of the file itself
    :param members: number of files in it, with manifest and attestation
    :param file: of one file, unpacked
    :param total: of all files, unpacked
    :param document: of the manifest and of the attestation, unpacked
    :param ratio: how many times its own size the bundle may unpack to, ...
    :param small: ... unless it unpacks to no more than this
    """

    archive: int = 1024 * _MEBIBYTE
    members: int = 50_000
    file: int = 64 * _MEBIBYTE
    total: int = 2048 * _MEBIBYTE
    document: int = 16 * _MEBIBYTE
    ratio: int = 100
    small: int = 16 * _MEBIBYTE

    def require_archive(self, size: int) -> None:
        """Refuse a bundle file of so many bytes."""
        _require("The bundle", size, min(self.archive, MAX_BYTES), "bytes")

    def require_members(self, count: int) -> None:
        """Refuse a bundle of so many files."""
        _require("The bundle", count, min(self.members, MAX_MEMBERS), "files")

    def require_file(self, name: str, size: int) -> None:
        """Refuse a file of so many bytes."""
        _require(f"The file {name[:200]!r}", size, self.file, "bytes")

    def require_document(self, name: str, size: int) -> None:
        """Refuse a manifest or an attestation of so many bytes."""
        _require(f"The bundle's {name}", size, self.document, "bytes")

    def require_total(self, size: int) -> None:
        """Refuse a content of so many bytes."""
        _require("The content of the bundle", size, self.total, "bytes")

    def require_ratio(self, total: int, archive: int) -> None:
        """Refuse a bundle that grows too much when it is unpacked."""
        if total > self.small and total > self.ratio * archive:
            raise BundleTooLargeError(
                f"The bundle has {archive:,} bytes and unpacks to {total:,}, more than {self.ratio} times "
                "as many: no bundle of DAGs does. It was not unpacked.",
                limit=self.ratio,
            )


def _require(what: str, amount: int, limit: int, unit: str) -> None:
    if amount > limit:
        raise BundleTooLargeError(
            f"{what} has {amount:,} {unit}; at most {limit:,} are accepted. Split it into several bundles.",
            limit=limit,
            amount=amount,
        )
