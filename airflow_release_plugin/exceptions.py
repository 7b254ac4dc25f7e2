"""
Every error of the product, as one tree.

::

    ReleaseError                        500  our machinery broke
    ├── NotAuthenticatedError           401  nobody is logged in
    ├── NotAllowedError                 403  this person may not
    │   ├── SelfApprovalError           403  nobody approves what they requested, wrote or imported
    │   ├── TaskMismatchError           403  Airflow's record of a task is not what the caller says
    │   └── CsrfError                   403  a page form without a valid token, or from another site
    ├── NotFoundError                   404
    ├── ConflictError                   409  the thing is in another state than the caller thinks
    │   ├── InvalidTransitionError      409
    │   ├── StaleDigestError            409  decided on content that is no longer current
    │   ├── UnchangedError              409  submitted, but equal to what is there already
    │   ├── ItemBusyError               409  the submission is in another open release
    │   ├── StoreConflictError          409  compare-and-swap on a ref was lost
    │   ├── NotHereError                409  another installation does this
    │   ├── FrozenError                 409  approved, but it is not the time to execute it
    │   ├── TaskClaimedError            409  two callers say that they are the same task
    │   ├── MirrorMovedError            409  somebody else moved something in the git mirror
    │   ├── ImportBlockedError          409  the preflight of an import says no
    │   └── TargetMovedError            409  the target branch was moved outside the product
    ├── ExpiredError                    410  a validity window is over
    ├── TooLargeError                   413
    ├── InvalidRequestError             422  the values cannot be accepted, whatever the state
    │   ├── UnitError                   422  the closure of a DAG file cannot be determined or shipped
    │   └── BundleError                 422  a bundle file cannot be accepted
    │       ├── BundleMalformedError    422  it is not, or not wholly, such a file
    │       ├── BundleTooLargeError     422  it exceeds a limit
    │       ├── BundleUnsafeError       422  it holds a name or a kind of file that may do harm
    │       ├── BundleVersionError      422  its format is of another version
    │       ├── BundleManifestError     422  its manifest is wrong, or does not fit its content
    │       ├── BundleAlteredError      422  it is not what was signed
    │       ├── BundleUntrustedError    422  nobody who is trusted here signed it
    │       └── BundleExpiredError      422  it was valid until a time that is over
    └── UnavailableError                503  something that we need does not answer
        ├── DatabaseUnsupportedError    503  the metadata database is of a kind that cannot hold our tables
        ├── SigningKeyMissingError      503  the branch is signed, and this machine has no key to go on with
        ├── MirrorUnavailableError      503  the git mirror cannot be pushed to
        ├── DamagedAnswerError          503  what came over the network is not what it should be
        ├── SourceUnavailableError      503
        ├── StoreUnavailableError       503
        ├── TransferUnavailableError    503  keys or bundle files cannot be read or written
        └── ArchiveUnavailableError     503  old events cannot be written to their archive, or it is not there

Messages name the thing, its state and the next step. Their values and further facts ride along (``context``).
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow_release_plugin.messages import Message, message_value


class ReleaseError(Exception):
    """
    Base of every error that the product raises on purpose.

    :param message: what happened, to what, and what to do next; shown to people. A template, as that of a
        :class:`~airflow_release_plugin.messages.Message`, or such a message
    :param context: the values of the template, and further facts for programs; part of the error body
    """

    code: ClassVar[str] = "release_error"
    status: ClassVar[int] = 500
    is_recorded: ClassVar[bool] = False
    """Whether the trail tells of the refusal: what the request has written is committed all the same."""

    def __init__(self, message: str, **context: Any) -> None:
        self.message = message if isinstance(message, Message) else Message(message, **context)
        super().__init__(self.message)
        # An exception among the values is no JSON.
        self.context: dict[str, Any] = {
            name: message_value(value) if isinstance(value, BaseException) else value
            for name, value in context.items()
        }


class NotAuthenticatedError(ReleaseError):
    """Raised when no user could be resolved from the request."""

    code = "not_authenticated"
    status = 401


class NotAllowedError(ReleaseError):
    """Raised when the actor may not do this."""

    code = "not_allowed"
    status = 403


class SelfApprovalError(NotAllowedError):
    """Raised when somebody decides on what they requested, submitted a part of, or imported."""

    code = "self_approval"


class TaskMismatchError(NotAllowedError):
    """Raised when what somebody says of a task, or as a task, is not what Airflow recorded about it."""

    code = "task_mismatch"
    is_recorded = True


class CsrfError(NotAllowedError):
    """Raised when a state-changing browser request lacks a valid token or comes from another site."""

    code = "csrf"


class NotFoundError(ReleaseError):
    """Raised when the named thing does not exist, or may not be seen by the actor."""

    code = "not_found"
    status = 404


class ConflictError(ReleaseError):
    """Raised when the request does not fit the present state."""

    code = "conflict"
    status = 409


class InvalidTransitionError(ConflictError):
    """Raised when a state machine has no such move."""

    code = "invalid_transition"


class StaleDigestError(ConflictError):
    """Raised when a decision names a digest that is not the current one."""

    code = "stale_digest"


class UnchangedError(ConflictError):
    """Raised when a submission would equal the latest one, or the target."""

    code = "unchanged"


class ItemBusyError(ConflictError):
    """Raised when a submission is part of another open release."""

    code = "item_busy"


class StoreConflictError(ConflictError):
    """Raised when a ref no longer points at the commit that the writer expected."""

    code = "store_conflict"


class NotHereError(ConflictError):
    """Raised when the role of this installation leaves out what was asked for."""

    code = "not_here"


class FrozenError(ConflictError):
    """Raised when a release is approved but a freeze, its schedule or a hold keeps it back."""

    code = "frozen"


class TaskClaimedError(ConflictError):
    """Raised when another caller has said before that it is this very task, in this very process."""

    code = "task_claimed"
    is_recorded = True


class MirrorMovedError(ConflictError):
    """Raised when a git mirror has something of somebody else, which a push would overwrite."""

    code = "mirror_moved"


class ImportBlockedError(ConflictError):
    """Raised when an import cannot be applied as things are; ``rows`` has what the preflight found."""

    code = "import_blocked"


class TargetMovedError(ConflictError):
    """Raised when the target branch is not where the product left it."""

    code = "target_moved"


class ExpiredError(ReleaseError):
    """Raised when a validity window is over."""

    code = "expired"
    status = 410


class TooLargeError(ReleaseError):
    """Raised when something exceeds a limit; the message names limit and size."""

    code = "too_large"
    status = 413


class InvalidRequestError(ReleaseError):
    """Raised when the given values cannot be accepted, whatever the state."""

    code = "invalid_request"
    status = 422


class UnitError(InvalidRequestError):
    """Raised when the closure of a DAG file cannot be determined or shipped; names file and reason."""

    code = "unit_error"


class BundleError(InvalidRequestError):
    """Raised when a bundle file cannot be accepted."""

    code = "bundle_error"


class BundleMalformedError(BundleError):
    """Raised when a file is no bundle, is cut off, or is built in another way than bundles are."""

    code = "bundle_malformed"


class BundleTooLargeError(BundleError):
    """Raised when a bundle exceeds a limit, or would when unpacked; the message names limit and size."""

    code = "bundle_too_large"


class BundleUnsafeError(BundleError):
    """Raised when a bundle holds a path that leaves its folder or clashes with another, or no plain file."""

    code = "bundle_unsafe"


class BundleVersionError(BundleError):
    """Raised when a bundle is written in a format that this version does not know."""

    code = "bundle_version"


class BundleManifestError(BundleError):
    """Raised when a manifest breaks its rules, or names other files than the bundle holds."""

    code = "bundle_manifest"


class BundleAlteredError(BundleError):
    """Raised when bytes of a bundle are not those that were signed."""

    code = "bundle_altered"


class BundleUntrustedError(BundleError):
    """Raised when a bundle is not signed, or with a key that is unknown, revoked or not valid now."""

    code = "bundle_untrusted"


class BundleExpiredError(BundleError):
    """Raised when a bundle's own validity is over."""

    code = "bundle_expired"


class UnavailableError(ReleaseError):
    """Raised when a part that we need does not answer; retrying later may help."""

    code = "unavailable"
    status = 503


class DatabaseUnsupportedError(UnavailableError):
    """Raised when Airflow's metadata database is of a kind that cannot hold our tables."""

    code = "database_unsupported"


class SigningKeyMissingError(UnavailableError):
    """Raised when a commit would be written without a signature onto one that has it."""

    code = "signing_key_missing"


class MirrorUnavailableError(UnavailableError):
    """Raised when the git mirror does not answer, lets us not in, or refuses what is pushed."""

    code = "mirror_unavailable"


class DamagedAnswerError(UnavailableError):
    """Raised when bytes that came over the network are not what they should be; asking again may help."""

    code = "damaged_answer"


class SourceUnavailableError(UnavailableError):
    """Raised when the source bundle cannot be read."""

    code = "source_unavailable"


class StoreUnavailableError(UnavailableError):
    """Raised when an object of the store is damaged, or a git repository cannot be used."""

    code = "store_unavailable"


class TransferUnavailableError(UnavailableError):
    """Raised when keys or bundle files cannot be read or written: permissions, a full disk, no such file."""

    code = "transfer_unavailable"


class ArchiveUnavailableError(UnavailableError):
    """Raised when old events cannot be written to their archive, or what was written there is not there."""

    code = "archive_unavailable"


def _walk(root: type[ReleaseError]) -> dict[str, type[ReleaseError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found.update(_walk(child))
    return found


def error_for_code(code: str) -> type[ReleaseError]:
    """Return the error class with the given stable code; :class:`ReleaseError` for an unknown one."""
    return _walk(ReleaseError).get(code, ReleaseError)
