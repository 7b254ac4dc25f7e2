"""Words for flows: kinds, events of notifiers, outcomes of a match; every word can be translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_release_plugin.domain.kinds import KINDS_THAT_ASK
from airflow_release_plugin.messages import Message as _

FLOW_KINDS: Mapping[str, Any] = {
    "promotion": _("Promotion"),
    "rollback": _("Rollback"),
    "retirement": _("Retirement"),
    "import": _("Import"),
    "gate": _("Gate"),
    "export": _("Export"),
}

OFFERED_KINDS: Mapping[str, Any] = {kind.value: FLOW_KINDS[kind.value] for kind in KINDS_THAT_ASK}

NOTIFICATIONS: Mapping[str, Any] = {
    "requested": _("Approval requested"),
    "reminded": _("About to expire"),
    "decided": _("Decided"),
    "expired": _("Expired"),
    "released": _("Released"),
    "failed": _("Failed"),
    "rolled_back": _("Rolled back"),
    "mentioned": _("Somebody was mentioned"),
    "glass_asked": _("Second person wanted to break the glass"),
    "glass_broken": _("Glass broken, to be reviewed"),
}
DRIFT_NOTIFICATIONS: Mapping[str, Any] = {
    "drifted": _("Something drifted"),
    "drift_ended": _("Nothing drifts any more"),
}
PERSONAL_NOTIFICATIONS: Mapping[str, Any] = {
    **NOTIFICATIONS,
    "export_ready": _("Export ready"),
    "export_failed": _("Export failed"),
    "import_applied": _("Import applied"),
    "import_failed": _("Import failed"),
    "digest": _("Daily digest"),
}
NOTICE_WAYS: Mapping[str, Any] = {
    "none": _("Not at all"),
    "list": _("In this list"),
    "digest": _("In a daily digest"),
    "at_once": _("At once"),
}

OUTCOMES: Mapping[str, Any] = {
    "applies": _("Applies"),
    "disabled": _("It is switched off."),
    "other_kind": _("It is for another kind."),
    "out_of_scope": _("None of the Dags is in its scope."),
    "lower_priority": _("It fits too, but a flow above it was found first."),
}
