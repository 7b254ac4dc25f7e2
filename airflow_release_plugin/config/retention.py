"""
What is kept, and for how many days; 0 means for ever.

So it does where a number makes no sense: what was removed does not come back.
"""

from __future__ import annotations

from airflow_release_plugin.config.setting import seconds, text, whole

keep_snapshots_days = whole(
    "keep_snapshots_days",
    30,
    "Days that the whole source is kept as it was when a version was submitted; longer for versions that "
    "wait, are in an open release or in the target. 0 means for ever.",
    instead=0,
)
keep_notifications_days = whole(
    "keep_notifications_days",
    180,
    "Days that what people were told, and what was sent or given up, is kept. 0 means for ever.",
    instead=0,
)
keep_transfers_days = whole(
    "keep_transfers_days",
    730,
    "Days that exports without a file, and imports that came to nothing, are kept. 0 means for ever.",
    instead=0,
)
keep_details_days = whole(
    "keep_details_days",
    180,
    "Days that details of releases are kept that nobody works on: reports of earlier attempts, ticks of "
    "reviewers, claims of tasks. 0 means for ever.",
    instead=0,
)
keep_events_days = whole(
    "keep_events_days",
    730,
    "Days that events of the audit trail stay in the database where ``event_archive_path`` is set. Then each "
    "calendar month that is wholly older goes into a signed file of its own. 0 means for ever.",
    instead=0,
)
event_archive_path = text(
    "event_archive_path",
    "",
    "Folder that old events go into, on a disk that all API servers share and that is backed up. It has to "
    "be there. Empty: no event is ever removed.",
    example="/mnt/audit/airflow-release",
)
clean_interval = seconds(
    "clean_interval",
    86400,
    "Seconds between two rounds in which one of the API servers removes what is kept no longer. 0 switches "
    "it off in this API server; ``airflow release clean`` does the same by hand.",
)
