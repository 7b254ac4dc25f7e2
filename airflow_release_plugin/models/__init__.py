"""
The tables, one file per noun.

Importing this package registers all of them with :data:`metadata`.
"""

from __future__ import annotations

from airflow_release_plugin.models.approval import Approval, Decision, Gate
from airflow_release_plugin.models.base import Base, metadata
from airflow_release_plugin.models.deployment import (
    DeployedVersion,
    Deployment,
    DurationCount,
    UnitLabel,
    Wait,
)
from airflow_release_plugin.models.discussion import Comment, CommentEdit, DiscussionThread
from airflow_release_plugin.models.emergency import Emergency
from airflow_release_plugin.models.event import Event, EventArchive, EventHead
from airflow_release_plugin.models.file_chunk import FileChunk
from airflow_release_plugin.models.flow import Deputy, Flow, FlowRevision
from airflow_release_plugin.models.follower import Follower
from airflow_release_plugin.models.hold import Hold
from airflow_release_plugin.models.lease import Lease
from airflow_release_plugin.models.machine import MachineLook
from airflow_release_plugin.models.mirror import MirrorRecord
from airflow_release_plugin.models.notice import Notice, NoticeChoice
from airflow_release_plugin.models.notification import Notification
from airflow_release_plugin.models.observation import Observation
from airflow_release_plugin.models.preference import Preference
from airflow_release_plugin.models.release import Environment, Release, ReleasedRun, ReleaseItem, Report
from airflow_release_plugin.models.saved_filter import SavedFilter
from airflow_release_plugin.models.search_word import SearchWord, TitleWord, UnitWord, WordGram
from airflow_release_plugin.models.snapshot import Snapshot
from airflow_release_plugin.models.store import BranchHead, StoredObject, StoredRef
from airflow_release_plugin.models.submission import Submission, Unit
from airflow_release_plugin.models.target_mark import TargetMark
from airflow_release_plugin.models.task_claim import TaskClaim
from airflow_release_plugin.models.transfer import Export, Import, Installation, NameMapping
from airflow_release_plugin.models.viewed_file import ViewedFile

__all__ = [
    "Approval",
    "Base",
    "BranchHead",
    "Comment",
    "CommentEdit",
    "Decision",
    "DeployedVersion",
    "Deployment",
    "Deputy",
    "DiscussionThread",
    "DurationCount",
    "Emergency",
    "Environment",
    "Event",
    "EventArchive",
    "EventHead",
    "Export",
    "FileChunk",
    "Flow",
    "FlowRevision",
    "Follower",
    "Gate",
    "Hold",
    "Import",
    "Installation",
    "Lease",
    "MachineLook",
    "MirrorRecord",
    "NameMapping",
    "Notice",
    "NoticeChoice",
    "Notification",
    "Observation",
    "Preference",
    "Release",
    "ReleaseItem",
    "ReleasedRun",
    "Report",
    "SavedFilter",
    "SearchWord",
    "Snapshot",
    "StoredObject",
    "StoredRef",
    "Submission",
    "TargetMark",
    "TaskClaim",
    "TitleWord",
    "Unit",
    "UnitLabel",
    "UnitWord",
    "ViewedFile",
    "Wait",
    "WordGram",
    "metadata",
]
