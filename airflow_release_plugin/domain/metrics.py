"""
Every metric of the product, declared once.

What is sent, the reference (docs/reference/metrics.md), alert rules and the dashboard are held against this.
Airflow puts its own prefix in front: ``airflow.release.moves``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class MetricKind(str, Enum):
    """How Airflow's Stats takes a metric."""

    COUNTER = "counter"
    """Something happened; only ever more."""
    GAUGE = "gauge"
    """How it stands now, told by one server every half minute."""
    TIMER = "timer"
    """How long it took."""


@dataclass(frozen=True)
class Metric:
    """
    One metric.

    :param tags: names of its tags, in the order in which their values become part of the name where Airflow
        sends no tags; none has values that grow in number
    """

    name: str
    kind: MetricKind
    description: str
    tags: tuple[str, ...] = ()

    def flat_name(self, values: dict[str, str]) -> str:
        """The name where no tags are sent: ``release.moves.approved``."""
        return ".".join([self.name, *(values[tag] for tag in self.tags)])


_C, _G, _T = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.TIMER

MOVES = Metric("release.moves", _C, "A release came into a state.", ("state",))
DECISIONS = Metric(
    "release.decisions", _C, "Somebody approved or rejected a release or a gate.", ("subject", "verdict")
)
CHECKS = Metric("release.checks", _C, "A check of a release ended.", ("result",))
VERIFICATIONS = Metric(
    "release.verifications",
    _C,
    "A verification, or a soak, of a release in its target ended.",
    ("kind", "result"),
)
GLASS_BROKEN = Metric("release.glass_broken", _C, "Somebody broke the glass.")
DRIFT_CHANGES = Metric(
    "release.drift.changes", _C, "A machine found something else than at its look before.", ("result",)
)
NOTIFICATIONS_FAILED = Metric("release.notifications.given_up", _C, "A notification was given up.")
TASKS_REFUSED = Metric("release.tasks.refused", _C, "A call of a task was refused.")
DELIVERY_REQUESTS = Metric(
    "release.delivery.requests",
    _C,
    "A machine asked for a version: its list of files, the same again (it has it), or contents.",
    ("answer",),
)
DELIVERY_BLOBS = Metric(
    "release.delivery.blobs",
    _C,
    "Contents of a version that was delivered: sent, or spared as the machine has them.",
    ("way",),
)

STATE_DURATION = Metric(
    "release.state.duration", _T, "How long a release was in the state that it has left.", ("state",)
)
CHECK_DURATION = Metric(
    "release.check.duration", _T, "From when a release was to be checked to its report.", ("result",)
)
PROMOTION_DURATION = Metric(
    "release.promotion.duration",
    _T,
    "What the server works to promote a release, waiting for locks included.",
)
VERIFICATION_DURATION = Metric(
    "release.verification.duration",
    _T,
    "From the promotion to the verdict of verification or soak.",
    ("kind", "result"),
)
DELIVERY_DURATION = Metric(
    "release.delivery.duration", _T, "Sending the contents that a machine lacks, to their end."
)

RELEASES = Metric("release.releases", _G, "Releases under way, by state.", ("state",))
STATE_AGE = Metric(
    "release.state.age", _G, "Seconds that the oldest release has been in the state; 0 for none.", ("state",)
)
STUCK_AGE = Metric(
    "release.stuck.age",
    _G,
    "Seconds since the oldest approved release could have gone out, but for those that their time, a freeze "
    "or a hold keeps back; 0 for none.",
)
APPROVALS = Metric("release.approvals", _G, "Approvals that wait for people.", ("subject",))
APPROVAL_AGE = Metric(
    "release.approvals.age", _G, "Seconds that the oldest of them has waited; 0 for none.", ("subject",)
)
CANDIDATES = Metric("release.candidates", _G, "Versions in the to-be-released list.")
NOTIFICATIONS = Metric(
    "release.notifications", _G, "Notifications that are to be sent, or were given up.", ("state",)
)
DRIFT = Metric("release.drift", _G, "What machines run that was not approved, or the reverse: findings.")
SILENT_MACHINES = Metric("release.machines.silent", _G, "Machines at work that do not ask any more.")
MIRROR_TROUBLE = Metric(
    "release.mirror.trouble", _G, "1 while the git mirror is behind, fails or was moved; else 0."
)
HELD = Metric("release.held", _G, "1 while a hold stops the environment; else 0.")
HEALTH_PROBLEMS = Metric("release.health.problems", _G, "What health names.", ("weight",))

METRICS: tuple[Metric, ...] = (
    MOVES,
    DECISIONS,
    CHECKS,
    VERIFICATIONS,
    GLASS_BROKEN,
    DRIFT_CHANGES,
    NOTIFICATIONS_FAILED,
    TASKS_REFUSED,
    DELIVERY_REQUESTS,
    DELIVERY_BLOBS,
    STATE_DURATION,
    CHECK_DURATION,
    PROMOTION_DURATION,
    VERIFICATION_DURATION,
    DELIVERY_DURATION,
    RELEASES,
    STATE_AGE,
    STUCK_AGE,
    APPROVALS,
    APPROVAL_AGE,
    CANDIDATES,
    NOTIFICATIONS,
    DRIFT,
    SILENT_MACHINES,
    MIRROR_TROUBLE,
    HELD,
    HEALTH_PROBLEMS,
)
