"""The closed vocabulary of the audit trail, and the hash that chains it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from enum import Enum
from typing import TypeAlias

JsonValue: TypeAlias = str | int | float | bool | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
"""What an event may hold: nothing that JSON would have to be told how to write."""


class EventTag(str, Enum):
    """
    ``subject:noun:verb``, or ``subject:verb`` of the subject itself.

    Names are never reused; a retired one stays as a comment.
    """

    APPROVAL_CLOSED = "approval:state:change"
    APPROVAL_DECIDED = "approval:decision:add"
    APPROVAL_OPENED = "approval:request:open"
    ENVIRONMENT_ADOPTED = "environment:baseline:adopt"
    ENVIRONMENT_DRIFT_ADOPTED = "environment:drift:adopt"
    ENVIRONMENT_HELD = "environment:hold:set"
    ENVIRONMENT_HOLD_LIFTED = "environment:hold:lift"
    ENVIRONMENT_MACHINE_FORGOTTEN = "environment:machine:forget"
    ENVIRONMENT_VERIFIED = "environment:drift:report"
    ENVIRONMENT_MIRROR_MOVED = "environment:mirror:move"
    ENVIRONMENT_MIRROR_OVERWRITTEN = "environment:mirror:overwrite"
    ENVIRONMENT_MIRROR_SETTLED = "environment:mirror:settle"
    ENVIRONMENT_REPAIRED = "environment:drift:repair"
    ENVIRONMENT_PROMOTED = "environment:branch:move"
    ENVIRONMENT_RESTORED = "environment:branch:restore"
    ENVIRONMENT_STORE_TAKEN_IN = "environment:store:import"
    EXPORT_REQUESTED = "export:bundle:request"
    EXPORT_READY = "export:bundle:ready"
    EXPORT_FAILED = "export:bundle:fail"
    EXPORT_DOWNLOADED = "export:bundle:download"
    EXPORT_RETRIED = "export:bundle:retry"
    EXPORT_DISCARDED = "export:bundle:discard"
    IMPORT_UPLOADED = "import:bundle:upload"
    IMPORT_FAILED = "import:bundle:fail"
    IMPORT_DISCARDED = "import:bundle:discard"
    IMPORT_APPLYING = "import:application:start"
    IMPORT_APPLIED = "import:application:finish"
    IMPORT_APPLY_FAILED = "import:application:fail"
    KEY_MADE = "key:signing:make"
    KEY_TRUSTED = "key:trust:add"
    KEY_REVOKED = "key:trust:revoke"
    IMPORT_CHECKED = "import:preflight:report"
    IMPORT_PLACEHOLDERS_MADE = "import:placeholder:create"
    GATE_CLOSED = "gate:state:change"
    GATE_OPENED = "gate:request:open"
    FLOW_CREATED = "flow:definition:create"
    FLOW_CHANGED = "flow:definition:change"
    FLOW_DELETED = "flow:definition:delete"
    FLOW_ORDERED = "flow:priority:change"
    DEPUTY_NAMED = "deputy:period:create"
    DEPUTY_ENDED = "deputy:period:end"
    NOTIFICATION_FAILED = "notification:delivery:fail"
    NOTIFICATION_RETRIED = "notification:delivery:retry"
    RETENTION_ARCHIVED = "retention:events:archive"
    RETENTION_CLEANED = "retention:rows:remove"
    RELEASE_CHECKED = "release:check:report"
    RELEASE_COMMENT_ADDED = "release:comment:add"
    RELEASE_COMMENT_DELETED = "release:comment:delete"
    RELEASE_COMMENT_EDITED = "release:comment:edit"
    RELEASE_CREATED = "release:create"
    RELEASE_GLASS_ASKED = "release:glass:ask"
    RELEASE_GLASS_REVIEWED = "release:glass:review"
    RELEASE_GLASS_BROKEN = "release:glass:break"
    RELEASE_MOVED = "release:state:change"
    RELEASE_PROOF_HELD = "release:proof:hold"
    RELEASE_RETRIED = "release:attempt:start"
    RELEASE_REVOKED = "release:revoke"
    RELEASE_RUN = "release:run:start"
    RELEASE_RUN_FAILED = "release:run:fail"
    RELEASE_THREAD_CARRIED = "release:thread:carry"
    RELEASE_THREAD_OPENED = "release:thread:open"
    RELEASE_THREAD_REOPENED = "release:thread:reopen"
    RELEASE_THREAD_RESOLVED = "release:thread:resolve"
    RELEASE_VERIFIED = "release:verification:report"
    TASK_REFUSED = "task:call:refuse"
    TASK_CONTESTED = "task:claim:contest"
    SUBMISSION_COMPLETED = "submission:version:complete"
    SUBMISSION_CREATED = "submission:version:create"
    SUBMISSION_RESTORED = "submission:version:restore"
    SUBMISSION_REMOVED = "submission:version:remove"


GENESIS = "0" * 64
"""``prev_hash`` of the first event."""
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How the time of an event, in UTC, is written where it is hashed, and in archives."""


def event_hash(
    *,
    prev_hash: str,
    sequence: int,
    time: datetime,
    tag: str,
    actor_id: str,
    actor_name: str,
    subject: str,
    data: Mapping[str, JsonValue],
) -> str:
    """Return the SHA-256 (64 hex digits) of an event and its predecessor's hash."""
    payload = [
        prev_hash,
        sequence,
        time.astimezone(timezone.utc).strftime(TIME_FORMAT),
        tag,
        actor_id,
        actor_name,
        subject,
        data,
    ]
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
