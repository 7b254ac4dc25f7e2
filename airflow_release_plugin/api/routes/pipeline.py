"""What the pipeline of a release does, as a service user or an admin."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from airflow_release_plugin.api.dependencies import CallerDep, IdPath
from airflow_release_plugin.api.serializers.common import release_detail
from airflow_release_plugin.domain.release.progress import ItemProgress
from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.schemas.release import (
    ProgressBody,
    ProgressResponse,
    PromotionResponse,
    ReasonBody,
    ReleaseDetailResponse,
    ReportBody,
    StartStatusResponse,
    VerificationResponse,
    WorkTreeResponse,
)
from airflow_release_plugin.schemas.task import ClaimBody, ClaimResponse
from airflow_release_plugin.services.promotion import promotions
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.releases import checks, task_claims
from airflow_release_plugin.services.releases import progress as progress_service
from airflow_release_plugin.services.verification import runs, verification

router = APIRouter(prefix="/{release_id}", tags=["Pipeline"])


class _Sink(io.RawIOBase):
    """Takes what ``zipfile`` writes and hands it on, so that memory stays flat."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self.chunks.append(chunk)
        return len(chunk)

    def drain(self) -> bytes:
        """What was written since the last call."""
        data, self.chunks = b"".join(self.chunks), []
        return data


def _zip_stream(files: Iterator[tuple[FileEntry, bytes]]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in files:
            info = zipfile.ZipInfo(entry.path)
            info.external_attr = entry.mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
            yield sink.drain()
    yield sink.drain()


@router.get("/work")
def work(release_id: IdPath, caller: CallerDep) -> WorkTreeResponse:
    """What a worker needs in order to check the release."""
    with caller.transaction() as (ctx, actor):
        return WorkTreeResponse.model_validate(checks.work_tree(ctx, actor=actor, release_id=release_id))


@router.get("/tree", response_class=StreamingResponse, responses={200: {"content": {"application/zip": {}}}})
def tree(release_id: IdPath, caller: CallerDep) -> StreamingResponse:
    """The whole tree that the target would have, as a zip."""
    with caller.transaction() as (ctx, actor):
        files = checks.stream_tree(ctx, actor=actor, release_id=release_id)
    return StreamingResponse(_zip_stream(files), media_type="application/zip")


@router.post("/claims")
def claim(release_id: IdPath, body: ClaimBody, caller: CallerDep) -> ClaimResponse:
    """Say, as a task of the release's run, that what carries this secret comes from it."""
    task = TaskKey(body.dag_id, body.run_id, body.task_id, body.map_index, body.try_number)
    with caller.transaction() as (ctx, actor):
        found = task_claims.claim(ctx, actor=actor, release_id=release_id, task=task, secret=body.secret)
        return ClaimResponse.model_validate(found)


@router.post("/progress")
def progress(release_id: IdPath, body: ProgressBody, caller: CallerDep) -> ProgressResponse:
    """Say how far the check of some files is; shown on the page of the release, not kept."""
    with caller.transaction() as (ctx, actor):
        files = [ItemProgress(**{**dict(file), "lines": tuple(file.lines)}) for file in body.files]
        told = progress_service.note(
            ctx, actor=actor, release_id=release_id, attempt=body.attempt, files=files
        )
        return ProgressResponse(done=sum(item.is_done for item in told), total=len(told))


@router.post("/reports")
def report(release_id: IdPath, body: ReportBody, caller: CallerDep) -> ReleaseDetailResponse:
    """Report what a step found out; a failed item fails the release."""
    with caller.transaction() as (ctx, actor):
        checks.report(
            ctx,
            actor=actor,
            release_id=release_id,
            kind=body.kind,
            attempt=body.attempt,
            base_commit=body.base_commit,
            items=body.items,
            ask=body.request_approval,
        )
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.post("/request-approval")
def request_approval(release_id: IdPath, caller: CallerDep) -> ReleaseDetailResponse:
    """Open the approval of a release whose checks passed."""
    with caller.transaction() as (ctx, actor):
        checks.request_approval(ctx, actor=actor, release_id=release_id)
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.post("/errored")
def errored(release_id: IdPath, body: ReasonBody, caller: CallerDep) -> ReleaseDetailResponse:
    """Say that the machinery broke while it worked on the release."""
    with caller.transaction() as (ctx, actor):
        checks.mark_errored(ctx, actor=actor, release_id=release_id, reason=body.reason)
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.post("/promote")
def promote(release_id: IdPath, caller: CallerDep) -> PromotionResponse:
    """Bring an approved release to its environment; calling again answers the same."""
    with caller.transaction() as (ctx, actor):
        release = promotions.promote(ctx, actor=actor, release_id=release_id)
        return PromotionResponse(
            release_id=release.id,
            state=release.effective_state(ctx.clock()),
            commit=release.target_commit or "",
        )


@router.post("/verify")
def verify(release_id: IdPath, caller: CallerDep) -> VerificationResponse:
    """Compare what Airflow serves with what was released; what fails is rolled back before this answers."""
    with caller.transaction() as (ctx, actor):
        return VerificationResponse.model_validate(
            verification.verify(ctx, actor=actor, release_id=release_id)
        )


@router.post("/run")
def run(release_id: IdPath, caller: CallerDep) -> list[StartStatusResponse]:
    """Start the runs that the release asked for, each once; none if it did not ask."""
    with caller.transaction() as (ctx, actor):
        started = runs.start_runs(ctx, actor=actor, release_id=release_id)
        return [StartStatusResponse.model_validate(item) for item in started]


@router.post("/soak")
def soak(release_id: IdPath, caller: CallerDep) -> VerificationResponse:
    """Look at the first runs; a release without a soak passes at once, one whose runs fail is rolled back."""
    with caller.transaction() as (ctx, actor):
        return VerificationResponse.model_validate(runs.soak(ctx, actor=actor, release_id=release_id))
