"""State machines: one enum and one transition table each, and :func:`checked_move` as the only door."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

from airflow_release_plugin.exceptions import InvalidTransitionError
from airflow_release_plugin.messages import Message


class State(str, Enum):
    """What all states know of their table."""

    @property
    def is_terminal(self) -> bool:
        """Whether no move leads out of here."""
        return not MOVES[type(self)][self]


class ReleaseState(State):
    """Where a release stands."""

    DRAFT = "draft"
    """Being put together; nothing has been asked for yet."""
    CHECKING = "checking"
    """The pipeline parses the tree that the target would have."""
    AWAITING_APPROVAL = "awaiting_approval"
    """Checks passed; people decide."""
    APPROVED = "approved"
    """Everybody who must agree has; waits for the pipeline, its scheduled time or an open window."""
    RELEASED = "released"
    """The target branch contains the release."""
    REJECTED = "rejected"
    """Somebody who may decide said no."""
    REVOKED = "revoked"
    """Taken back before it was released."""
    EXPIRED = "expired"
    """A validity window ended; never an approval."""
    FAILED = "failed"
    """Checks or verification said no. May be retried."""
    ERRORED = "errored"
    """
    Our machinery broke: a task failed, or the run that worked on it was lost.

    May be retried. What people have approved still counts where the change, the target and its time allow it.
    """
    STALE = "stale"
    """A file that the release relies on changed in the target. Submit again, or retry."""
    ROLLED_BACK = "rolled_back"
    """A later rollback took it out of the target."""

    @property
    def is_open(self) -> bool:
        """Whether the release still holds its submissions."""
        return self in OPEN_RELEASE_STATES

    @property
    def can_be_retried(self) -> bool:
        """Whether a new attempt with the same submissions is possible."""
        return self in RETRYABLE_RELEASE_STATES


_R = ReleaseState
RELEASE_MOVES: Mapping[ReleaseState, frozenset[ReleaseState]] = {
    _R.DRAFT: frozenset({_R.CHECKING, _R.REVOKED}),
    _R.CHECKING: frozenset({_R.AWAITING_APPROVAL, _R.FAILED, _R.ERRORED, _R.STALE, _R.REVOKED}),
    _R.AWAITING_APPROVAL: frozenset(
        {_R.APPROVED, _R.REJECTED, _R.REVOKED, _R.EXPIRED, _R.STALE, _R.CHECKING, _R.ERRORED}
    ),
    _R.APPROVED: frozenset({_R.RELEASED, _R.REVOKED, _R.EXPIRED, _R.STALE, _R.CHECKING, _R.ERRORED}),
    _R.RELEASED: frozenset({_R.FAILED, _R.ROLLED_BACK}),
    _R.FAILED: frozenset({_R.CHECKING}),
    _R.ERRORED: frozenset({_R.CHECKING, _R.REVOKED}),
    _R.STALE: frozenset({_R.CHECKING}),
    _R.REJECTED: frozenset(),
    _R.REVOKED: frozenset(),
    _R.EXPIRED: frozenset(),
    _R.ROLLED_BACK: frozenset(),
}
OPEN_RELEASE_STATES = frozenset({_R.DRAFT, _R.CHECKING, _R.AWAITING_APPROVAL, _R.APPROVED})
RETRYABLE_RELEASE_STATES = frozenset({_R.FAILED, _R.ERRORED, _R.STALE})
EXPIRING_RELEASE_STATES = frozenset({_R.AWAITING_APPROVAL, _R.APPROVED})
REVOCABLE_RELEASE_STATES = frozenset({_R.DRAFT, _R.CHECKING, _R.AWAITING_APPROVAL, _R.APPROVED, _R.ERRORED})
"""Taken back by people; an errored one too, since its approval may still count."""
PIPELINE_RELEASE_STATES = frozenset({_R.CHECKING, _R.APPROVED})
"""Only its pipeline moves such a release on, so it is lost with the run that works on it."""

STOPPED_RELEASE_STATES = RETRYABLE_RELEASE_STATES | {_R.REJECTED, _R.EXPIRED}
"""It did not go out, or does not stay, and nobody took it back on purpose."""


class SubmissionState(State):
    """Where a submitted version stands."""

    PENDING = "pending"
    """In the to-be-released list."""
    IN_RELEASE = "in_release"
    """Part of an open release."""
    RELEASED = "released"
    """In the target, or it was until something newer replaced it."""
    REMOVED = "removed"
    """
    Taken off the list; source and target stay as they are. That can be undone.

    Or a rollback's own that did not come about; trying that again takes it up again.
    """
    SUPERSEDED = "superseded"
    """
    A newer version was submitted before this one was released, or replaced it in the target.

    Who undoes that submission gets it back into the list.
    """


_S = SubmissionState
SUBMISSION_MOVES: Mapping[SubmissionState, frozenset[SubmissionState]] = {
    _S.PENDING: frozenset({_S.IN_RELEASE, _S.REMOVED, _S.SUPERSEDED}),
    _S.IN_RELEASE: frozenset({_S.PENDING, _S.RELEASED, _S.SUPERSEDED, _S.REMOVED}),
    _S.RELEASED: frozenset({_S.SUPERSEDED, _S.PENDING}),
    _S.REMOVED: frozenset({_S.IN_RELEASE, _S.PENDING}),
    _S.SUPERSEDED: frozenset({_S.PENDING}),
}


class ApprovalState(State):
    """Where an approval (of a release, a gate, a transfer) stands."""

    OPEN = "open"
    """People may decide."""
    APPROVED = "approved"
    """The requirement is met."""
    REJECTED = "rejected"
    """One eligible person said no."""
    EXPIRED = "expired"
    """Nobody decided in time; never an approval."""
    WITHDRAWN = "withdrawn"
    """What it was asked for is no longer wanted."""


_A = ApprovalState
APPROVAL_MOVES: Mapping[ApprovalState, frozenset[ApprovalState]] = {
    _A.OPEN: frozenset({_A.APPROVED, _A.REJECTED, _A.EXPIRED, _A.WITHDRAWN}),
    _A.APPROVED: frozenset({_A.EXPIRED, _A.WITHDRAWN}),
    _A.REJECTED: frozenset(),
    _A.EXPIRED: frozenset(),
    _A.WITHDRAWN: frozenset(),
}


class EmergencyState(str, Enum):
    """How far a broken glass is; not stored, it follows from who did what, and the time."""

    ASKED = "asked"
    """A second person has to confirm it."""
    LAPSED = "lapsed"
    """Nobody confirmed it in time."""
    TO_REVIEW = "to_review"
    """The glass is broken, and somebody has to look at it afterwards."""
    REVIEWED = "reviewed"
    """Somebody did."""


class GateState(State):
    """Where a gate stands. Its task goes on only from ``approved``."""

    OPEN = "open"
    """The task waits for people."""
    APPROVED = "approved"
    """Signed off."""
    REJECTED = "rejected"
    """Somebody who may decide said no."""
    EXPIRED = "expired"
    """Nobody decided in time."""
    WITHDRAWN = "withdrawn"
    """The task was cleared, marked or deleted, or its author took the question back."""


_G = GateState
GATE_MOVES: Mapping[GateState, frozenset[GateState]] = {
    _G.OPEN: frozenset({_G.APPROVED, _G.REJECTED, _G.EXPIRED, _G.WITHDRAWN}),
    _G.APPROVED: frozenset(),
    _G.REJECTED: frozenset(),
    _G.EXPIRED: frozenset(),
    _G.WITHDRAWN: frozenset(),
}


class ThreadState(State):
    """Where a thread on a line of a release stands."""

    UNRESOLVED = "unresolved"
    """Somebody has something to say or to mend. A flow may demand that there is none."""
    RESOLVED = "resolved"
    """Somebody said that it is settled; anybody who may answer can open it again."""


_T = ThreadState
THREAD_MOVES: Mapping[ThreadState, frozenset[ThreadState]] = {
    _T.UNRESOLVED: frozenset({_T.RESOLVED}),
    _T.RESOLVED: frozenset({_T.UNRESOLVED}),
}


class NotificationState(State):
    """Where a notification stands."""

    PENDING = "pending"
    """To be sent, perhaps once more."""
    SENT = "sent"
    """The notifier took it."""
    FAILED = "failed"
    """Given up after several attempts; an admin can have it sent again."""


_N = NotificationState
NOTIFICATION_MOVES: Mapping[NotificationState, frozenset[NotificationState]] = {
    _N.PENDING: frozenset({_N.SENT, _N.FAILED}),
    _N.SENT: frozenset(),
    _N.FAILED: frozenset({_N.PENDING}),
}


class ExportState(State):
    """Where an export stands."""

    QUEUED = "queued"
    """A server takes it up next."""
    RUNNING = "running"
    """The file is being written; a server that died is followed by another."""
    READY = "ready"
    """The file can be downloaded."""
    FAILED = "failed"
    """No file was made, and none would be: the reason is with it. Or it was discarded."""
    ERRORED = "errored"
    """Our machinery broke: servers died over it, the disk was full. May be retried, for the same bundle."""
    EXPIRED = "expired"
    """The file is gone; generate it anew."""


_X = ExportState
EXPORT_MOVES: Mapping[ExportState, frozenset[ExportState]] = {
    _X.QUEUED: frozenset({_X.RUNNING, _X.FAILED}),
    _X.RUNNING: frozenset({_X.READY, _X.FAILED, _X.ERRORED, _X.QUEUED}),
    _X.ERRORED: frozenset({_X.QUEUED, _X.FAILED}),
    _X.READY: frozenset({_X.EXPIRED}),
    _X.FAILED: frozenset(),
    _X.EXPIRED: frozenset(),
}
MOVING_EXPORT_STATES = frozenset({_X.QUEUED, _X.RUNNING})
"""The file of an export is still to come."""


class ImportState(State):
    """Where an import stands."""

    UPLOADING = "uploading"
    """Parts of the file are here."""
    UPLOADED = "uploaded"
    """The file is whole and its signature is that of a trusted key; nothing was unpacked."""
    CHECKED = "checked"
    """The preflight ran; what it found is with it."""
    APPLYING = "applying"
    """Versions are being written."""
    APPLIED = "applied"
    """Its versions are here, as it was asked."""
    FAILED = "failed"
    """Nothing of it is here; the reason is with it."""
    DISCARDED = "discarded"
    """Nobody wanted it; the file is gone."""


_I = ImportState
IMPORT_MOVES: Mapping[ImportState, frozenset[ImportState]] = {
    _I.UPLOADING: frozenset({_I.UPLOADED, _I.FAILED, _I.DISCARDED}),
    _I.UPLOADED: frozenset({_I.CHECKED, _I.FAILED, _I.DISCARDED}),
    _I.CHECKED: frozenset({_I.CHECKED, _I.APPLYING, _I.FAILED, _I.DISCARDED}),
    _I.APPLYING: frozenset({_I.APPLIED, _I.CHECKED, _I.FAILED}),
    _I.APPLIED: frozenset(),
    _I.FAILED: frozenset(),
    _I.DISCARDED: frozenset(),
}
WAITING_IMPORT_STATES = frozenset({_I.UPLOADED, _I.CHECKED})
"""People decide what becomes of a bundle that is here."""

StateT = TypeVar("StateT", bound=State)

MOVES: Mapping[type[State], Mapping[Any, frozenset[Any]]] = {
    ReleaseState: RELEASE_MOVES,
    SubmissionState: SUBMISSION_MOVES,
    ApprovalState: APPROVAL_MOVES,
    GateState: GATE_MOVES,
    ThreadState: THREAD_MOVES,
    NotificationState: NOTIFICATION_MOVES,
    ExportState: EXPORT_MOVES,
    ImportState: IMPORT_MOVES,
}
"""Every state machine."""


def checked_move(subject: str, current: StateT, to: StateT) -> StateT:
    """
    Return ``to`` if the table of its enum allows the move from ``current``.

    :param subject: what moves, for the error message
    :raises InvalidTransitionError: the table has no such move
    """
    allowed = MOVES[type(current)][current]
    if to not in allowed:
        options = sorted(state.value for state in allowed) or Message("nothing: this state is final")
        raise InvalidTransitionError(
            "%(subject)s is %(current)r and cannot become %(to)r; possible from here: %(options)s.",
            subject=subject,
            current=current.value,
            to=to.value,
            options=options,
        )
    return to
