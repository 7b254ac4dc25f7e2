"""Who agreed to imported versions where they come from."""

from __future__ import annotations

from datetime import datetime

from airflow_release_plugin.schemas.common import PersonResponse, ResponseModel


class EvidenceDecisionResponse(ResponseModel):
    """A verdict that was given where an imported version comes from."""

    step: str
    actor: str
    verdict: str
    at: datetime
    change_digest: str
    comment: str


class EvidenceApprovalResponse(ResponseModel):
    """How an imported version came to be released where it comes from."""

    release: str
    requested_by: str
    released_at: datetime
    flow: str
    flow_revision: int
    change_digest: str
    glass_broken: bool
    decisions: list[EvidenceDecisionResponse]


class EvidenceCommentResponse(ResponseModel):
    """What was said about a release there; ``path`` and ``line`` are those of its thread then."""

    author: str
    at: datetime
    text: str
    path: str
    line: int
    edited: bool
    resolved: bool


class EvidenceDiscussionResponse(ResponseModel):
    """What was said about one release there; ``left_out`` older comments had no room in the bundle."""

    release: str
    comments: list[EvidenceCommentResponse]
    left_out: int


class UnitEvidenceResponse(ResponseModel):
    """One imported version; ``rewritten`` has its files in which names were replaced on the way."""

    path: str
    path_there: str
    dag_ids: list[str]
    version: int
    is_removal: bool
    rewritten: list[str]
    approval: EvidenceApprovalResponse | None


class ImportEvidenceResponse(ResponseModel):
    """What the bundle that brought versions of a release says about them, signed by ``signer``."""

    import_id: int
    bundle_id: str
    installation_id: str
    environment: str
    commit: str
    signer: str
    created: datetime
    approved: bool
    uploaded_by: PersonResponse
    units: list[UnitEvidenceResponse]
    discussions: list[EvidenceDiscussionResponse] = []
