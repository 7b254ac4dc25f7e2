"""Words and looks of states, changes, checks and events; every word can be translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

STATE_LOOKS: Mapping[str, tuple[Any, str, str]] = {
    # releases
    "draft": (_("Draft"), "gray", "pencil"),
    "checking": (_("Checking"), "running", "search"),
    "awaiting_approval": (_("Awaiting approval"), "deferred", "person"),
    "approved": (_("Approved"), "blue", "check"),
    "released": (_("Released"), "success", "check"),
    "rejected": (_("Rejected"), "failed", "forbidden"),
    "revoked": (_("Revoked"), "gray", "undo"),
    "expired": (_("Expired"), "orange", "clock"),
    "failed": (_("Failed"), "failed", "cross"),
    "errored": (_("Errored"), "failed", "alert"),
    "stale": (_("Stale"), "orange", "alert"),
    "rolled_back": (_("Rolled back"), "skipped", "undo"),
    # submissions
    "pending": (_("Pending"), "queued", "clock"),
    "in_release": (_("In release"), "blue", "package"),
    "removed": (_("Removed"), "gray", "cross"),
    "superseded": (_("Superseded"), "gray", "undo"),
    # records
    "in_target": (_("In the target"), "success", "check"),
    "replaced": (_("Replaced"), "gray", "undo"),
    "retired": (_("Retired"), "orange", "minus"),
    "never": (_("Never released"), "gray", "cross"),
    # approvals and gates
    "open": (_("Open"), "deferred", "person"),
    "withdrawn": (_("Withdrawn"), "gray", "undo"),
    "approve": (_("Approved"), "success", "check"),
    "reject": (_("Rejected"), "failed", "forbidden"),
    # items of a release
    "waiting": (_("Waiting"), "gray", "clock"),
    "checked": (_("Checked"), "success", "check"),
    "promoted": (_("In the target"), "blue", "arrow-up"),
    "served": (_("Served"), "success", "check"),
    "taken_out": (_("Taken out"), "blue", "minus"),
    "not_served_any_more": (_("Not served any more"), "success", "check"),
    # changes
    "new": (_("New"), "success", "plus"),
    "modified": (_("Modified"), "blue", "pencil"),
    "renamed": (_("Renamed"), "blue", "pencil"),
    "deleted": (_("Deleted"), "failed", "minus"),
    # exports
    "ready": (_("Ready"), "success", "check"),
    # imports
    "uploading": (_("Uploading"), "running", "arrow-up"),
    "uploaded": (_("Uploaded"), "blue", "package"),
    "blocked": (_("Blocked"), "failed", "forbidden"),
    "applying": (_("Being applied"), "running", "retry"),
    "applied": (_("Applied"), "success", "check"),
    "discarded": (_("Discarded"), "gray", "trash"),
    "unchanged": (_("Unchanged"), "gray", "dot"),
    "block": (_("Blocks"), "failed", "forbidden"),
    "warn": (_("Look at it"), "orange", "alert"),
    "ok": (_("Fine"), "success", "check"),
    # keys
    "valid": (_("Valid"), "success", "check"),
    "not yet valid": (_("Not yet valid"), "orange", "clock"),
    # what drifted
    "edited": (_("Edited"), "failed", "pencil"),
    "gone": (_("Gone"), "failed", "minus"),
    "extra": (_("Extra"), "failed", "plus"),
    "not_served": (_("Not served"), "orange", "clock"),
    "moved": (_("Moved by hand"), "failed", "undo"),
    "unapproved": (_("Not approved"), "failed", "forbidden"),
    "audit_broken": (_("Trail changed"), "failed", "alert"),
    # checks
    "passed": (_("Passed"), "success", "check"),
    "warning": (_("Warning"), "orange", "alert"),
    # runs, as Airflow names their states
    "queued": (_("Queued"), "queued", "clock"),
    "running": (_("Running"), "running", "arrow-right"),
    "success": (_("Success"), "success", "check"),
    "not_started": (_("Not started"), "failed", "alert"),
    "missing": (_("Deleted since"), "gray", "minus"),
}

EVENT_LABELS: Mapping[str, Any] = {
    "approval:state:change": _("Approval closed"),
    "approval:decision:add": _("Decision made"),
    "approval:request:open": _("Approval requested"),
    "deputy:period:create": _("Deputy named"),
    "deputy:period:end": _("Deputy's time ended"),
    "notification:delivery:fail": _("Notification failed"),
    "notification:delivery:retry": _("Notification sent again"),
    "flow:definition:create": _("Flow created"),
    "flow:definition:change": _("Flow changed"),
    "flow:definition:delete": _("Flow deleted"),
    "flow:priority:change": _("Order of flows changed"),
    "task:call:refuse": _("Call of a task refused"),
    "task:claim:contest": _("Two callers said that they are the same task"),
    "release:glass:break": _("Glass broken"),
    "environment:baseline:adopt": _("Environment adopted as it was"),
    "environment:drift:adopt": _("What was changed by hand was adopted"),
    "environment:drift:report": _("What drifted was reported"),
    "environment:drift:repair": _("Environment repaired"),
    "environment:machine:forget": _("Machine forgotten"),
    "environment:branch:move": _("Environment moved to a new commit"),
    "environment:branch:restore": _("Environment restored"),
    "environment:store:import": _("Earlier store taken in"),
    "export:bundle:request": _("Export requested"),
    "export:bundle:ready": _("Export ready"),
    "export:bundle:fail": _("Export failed"),
    "export:bundle:download": _("Export downloaded"),
    "export:bundle:retry": _("Export tried again"),
    "export:bundle:discard": _("Export discarded"),
    "import:bundle:upload": _("Bundle uploaded"),
    "import:bundle:fail": _("Import failed"),
    "import:bundle:discard": _("Import discarded"),
    "import:application:start": _("Import to be applied"),
    "import:application:finish": _("Import applied"),
    "import:application:fail": _("Import not applied"),
    "key:signing:make": _("Signing key made"),
    "key:trust:add": _("Key trusted"),
    "key:trust:revoke": _("Key revoked"),
    "import:preflight:report": _("Preflight of an import ran"),
    "import:placeholder:create": _("Placeholders made for an import"),
    "gate:state:change": _("Gate closed"),
    "gate:request:open": _("Gate opened"),
    "release:check:report": _("Check reported"),
    "release:create": _("Release created"),
    "release:state:change": _("State changed"),
    "release:attempt:start": _("New attempt started"),
    "release:revoke": _("Release revoked"),
    "release:run:start": _("Dag Run started"),
    "release:run:fail": _("Dag Run not started"),
    "release:verification:report": _("Verification reported"),
    "submission:version:create": _("Version submitted"),
    "submission:version:remove": _("Version removed from the list"),
}

STATUS_LABELS: Mapping[int, Any] = {
    401: _("Not logged in"),
    403: _("Not allowed"),
    404: _("Not found"),
    409: _("Not possible now"),
    410: _("Expired"),
    413: _("Too large"),
    422: _("Not accepted"),
    503: _("Not available"),
}
