"""How big a bundle may be. Writer and reader ask the same, so that what is exported can be imported."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.exceptions import BundleTooLargeError
from airflow_release_plugin.messages import Message
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
        if size > (limit := min(self.archive, MAX_BYTES)):
            raise _too_large(Message("The bundle"), size, limit, Message("bytes"))

    def require_members(self, count: int) -> None:
        """Refuse a bundle of so many files."""
        if count > (limit := min(self.members, MAX_MEMBERS)):
            raise _too_large(Message("The bundle"), count, limit, Message("files"))

    def require_file(self, name: str, size: int) -> None:
        """Refuse a file of so many bytes."""
        if size > self.file:
            raise _too_large(Message("The file %(name)r", name=name[:200]), size, self.file, Message("bytes"))

    def require_document(self, name: str, size: int) -> None:
        """Refuse a manifest or an attestation of so many bytes."""
        if size > self.document:
            what = Message("The bundle's %(name)s", name=name)
            raise _too_large(what, size, self.document, Message("bytes"))

    def require_total(self, size: int) -> None:
        """Refuse a content of so many bytes."""
        if size > self.total:
            raise _too_large(Message("The content of the bundle"), size, self.total, Message("bytes"))

    def require_ratio(self, total: int, archive: int) -> None:
        """Refuse a bundle that grows too much when it is unpacked."""
        if total > self.small and total > self.ratio * archive:
            raise BundleTooLargeError(
                "The bundle has %(archive)s bytes and unpacks to %(total)s, more than %(limit)s "
                "times as many: no bundle of DAGs does. It was not unpacked.",
                archive=f"{archive:,}",
                total=f"{total:,}",
                limit=self.ratio,
            )


def _too_large(what: str, amount: int, limit: int, unit: str) -> BundleTooLargeError:
    return BundleTooLargeError(
        Message(
            "%(what)s has %(amount)s %(unit)s; at most %(limit)s are accepted. Split it into "
            "several bundles.",
            what=what,
            amount=f"{amount:,}",
            unit=unit,
            limit=f"{limit:,}",
        ),
        limit=limit,
        amount=amount,
    )
