"""The client that tasks use."""

from __future__ import annotations

import time
from types import TracebackType
from typing import IO, TYPE_CHECKING, TypeVar
from urllib.parse import quote

import httpx

from airflow_release_plugin.client.auth import AirflowAuth
from airflow_release_plugin.client.calls import API_PREFIX, Call, unreachable
from airflow_release_plugin.client.errors import error_from
from airflow_release_plugin.client.retry import RETRY_STATUSES, Backoff, is_passing, may_repeat
from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.client.upload import PART, Progress, upload
from airflow_release_plugin.messages import shortened
from airflow_release_plugin.schemas.environment import ServedDagsResponse, ServedTextResponse
from airflow_release_plugin.schemas.export import ExportBody, ExportResponse, MatchResponse
from airflow_release_plugin.schemas.gate import GateBody, GateDetailResponse
from airflow_release_plugin.schemas.imports import (
    ImportApplyBody,
    ImportBody,
    ImportCheckBody,
    ImportResponse,
    ImportStubResponse,
    ImportStubsBody,
)
from airflow_release_plugin.schemas.release import (
    ErroredBody,
    PromotionResponse,
    ReleaseBody,
    ReleaseDetailResponse,
    StartStatusResponse,
    VerificationResponse,
)
from airflow_release_plugin.schemas.rollback import RollbackBody, RollbackPlanResponse, RollbackScopeBody
from airflow_release_plugin.schemas.submission import SubmissionBody, SubmissionResponse
from airflow_release_plugin.schemas.task import CLAIM_HEADER, ClaimBody, ClaimResponse
from airflow_release_plugin.schemas.watch import MeResponse
from airflow_release_plugin.schemas.work import ProgressBody, ProgressResponse, ReportBody, WorkResponse

if TYPE_CHECKING:
    from pydantic import BaseModel

ResultT = TypeVar("ResultT")
LONG_TIMEOUT = 600.0
"""Seconds for requests that make the server read a whole bundle."""


class ReleaseClient:
    """
    Typed access to the REST API of Airflow Release.

    Every method raises the error class that the server raised (:mod:`airflow_release_plugin.exceptions`), and
    ``UnavailableError`` when the server does not answer in time. Requests that may be repeated safely are.

    :param settings: where the server is and who we are
    :param backoff: pauses between repetitions
    """

    def __init__(self, settings: ClientSettings, *, backoff: Backoff | None = None) -> None:
        self.settings = settings
        self._backoff = backoff or Backoff()
        self._http = httpx.Client(auth=AirflowAuth(settings), verify=settings.tls())
        self._claims: dict[int, str] = {}

    def __enter__(self) -> ReleaseClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    def me(self) -> MeResponse:
        """Who we are logged in as."""
        return self._send(Call("GET", "/me", MeResponse))

    def submit(self, body: SubmissionBody) -> SubmissionResponse:
        """Submit the present content of one DAG file of the source."""
        return self._send(Call("POST", "/submissions", SubmissionResponse, body, idempotent=False))

    def request_release(self, body: ReleaseBody) -> ReleaseDetailResponse:
        """Put submissions into a release and start its pipeline."""
        return self._send(Call("POST", "/releases", ReleaseDetailResponse, body, idempotent=False))

    def get_release(self, release_id: int) -> ReleaseDetailResponse:
        """A release as it stands now."""
        return self._send(Call("GET", f"/releases/{release_id}", ReleaseDetailResponse))

    def get_work(self, release_id: int) -> WorkResponse:
        """What there is to check."""
        return self._send(Call("GET", f"/releases/{release_id}/work", WorkResponse))

    def get_served_dags(self, environment: str) -> ServedDagsResponse:
        """What Airflow serves of an environment; a large one takes a while."""
        path = f"/environments/{quote(environment, safe='')}/served"
        return self._send(Call("GET", path, ServedDagsResponse, timeout=LONG_TIMEOUT))

    def get_served_text(self, environment: str, dag_id: str) -> ServedTextResponse:
        """A DAG as Airflow serves it."""
        path = f"/environments/{quote(environment, safe='')}/served/{quote(dag_id, safe='')}"
        return self._send(Call("GET", path, ServedTextResponse))

    def request_export(self, body: ExportBody) -> ExportResponse:
        """Ask for a bundle of DAGs; it is made in the background."""
        return self._send(Call("POST", "/exports", ExportResponse, body, idempotent=False))

    def match_export(self, body: ExportBody) -> MatchResponse:
        """Say what would be exported, and which names are not found."""
        return self._send(Call("POST", "/exports/match", MatchResponse, body))

    def get_export(self, export_id: int) -> ExportResponse:
        """An export as it stands now."""
        return self._send(Call("GET", f"/exports/{export_id}", ExportResponse))

    def download_export(self, export_id: int, file: IO[bytes]) -> None:
        """Write the bundle into ``file``, from its beginning."""
        self._download(f"/exports/{export_id}/file", file)

    def begin_import(self, body: ImportBody) -> ImportResponse:
        """Announce a bundle file; with its SHA-256, find the upload of it that broke off."""
        call = Call("POST", "/imports", ImportResponse, body, idempotent=bool(body.sha256))
        return self._send(call)

    def send_part(self, import_id: int, part: bytes, *, first: int, total: int) -> ImportResponse:
        """
        Send bytes of a bundle file from ``first`` on. With the last ones it is looked at; that takes a while.

        :raises ConflictError: others are wanted; ``received`` of its context says from where on
        :raises BundleError: it is whole, and not accepted
        """
        last = first + len(part)
        headers = {"Content-Range": f"bytes {first}-{last - 1}/{total}"} if part else {}
        call = Call(
            "PUT",
            f"/imports/{import_id}/content",
            ImportResponse,
            content=part,
            headers=headers,
            timeout=LONG_TIMEOUT if last >= total else None,
        )
        return self._send(call)

    def upload_import(
        self, file: IO[bytes], name: str, *, progress: Progress | None = None, part_size: int = PART
    ) -> ImportResponse:
        """
        Bring a bundle file to the server, or go on with the upload of it that broke off.

        :param progress: is told how many of how many bytes are there
        :raises BundleError: it is not accepted; nothing of it is kept
        """
        return upload(self, file, name, progress=progress, part_size=part_size)

    def get_import(self, import_id: int) -> ImportResponse:
        """An import as it stands now."""
        return self._send(Call("GET", f"/imports/{import_id}", ImportResponse))

    def discard_import(self, import_id: int) -> ImportResponse:
        """Give up an import that was not applied."""
        return self._send(Call("DELETE", f"/imports/{import_id}", ImportResponse))

    def check_import(self, import_id: int, body: ImportCheckBody) -> ImportResponse:
        """Look at what may keep the bundle from being applied; the answer has the rows."""
        path = f"/imports/{import_id}/preflight"
        return self._send(Call("POST", path, ImportResponse, body, timeout=LONG_TIMEOUT))

    def apply_import(self, import_id: int, body: ImportApplyBody) -> ImportResponse:
        """
        Ask for a checked import to be applied, which happens in the background.

        :raises ImportBlockedError: the preflight, run again, says no
        """
        call = Call(
            "POST",
            f"/imports/{import_id}/apply",
            ImportResponse,
            body,
            idempotent=False,
            timeout=LONG_TIMEOUT,
        )
        return self._send(call)

    def make_import_placeholders(self, import_id: int, body: ImportStubsBody) -> list[ImportStubResponse]:
        """Make placeholders for what the bundle needs and nobody has made there."""
        return self._send(Call("POST", f"/imports/{import_id}/placeholders", list[ImportStubResponse], body))

    def claim(self, release_id: int, body: ClaimBody) -> ClaimResponse:
        """
        Say that we are a task of the release's run; what is said of the release from now on carries it.

        :raises TaskMismatchError: Airflow has no such task at work
        :raises TaskClaimedError: somebody else said so before
        """
        answer = self._send(Call("POST", f"/releases/{release_id}/claims", ClaimResponse, body))
        self._claims[release_id] = f"{answer.id}.{body.secret}"
        return answer

    def report(self, release_id: int, body: ReportBody) -> ReleaseDetailResponse:
        """
        Store what a step of the pipeline found out. Raises ``ConflictError`` when the release has moved on.

        A repetition whose first answer was lost may meet that too: the report is then among the release's.
        """
        return self._say(release_id, "reports", ReleaseDetailResponse, body)

    def tell_progress(self, release_id: int, body: ProgressBody) -> ProgressResponse:
        """Say how far a check is. Raises ``ConflictError`` when nobody wants to know any more."""
        return self._say(release_id, "progress", ProgressResponse, body, idempotent=False)

    def request_approval(self, release_id: int) -> ReleaseDetailResponse:
        """Open the approval of a release whose checks passed."""
        return self._say(release_id, "request-approval", ReleaseDetailResponse)

    def promote(self, release_id: int) -> PromotionResponse:
        """Move the target branch. Promoting again answers the same."""
        return self._say(release_id, "promote", PromotionResponse)

    def verify(self, release_id: int) -> VerificationResponse:
        """Ask whether Airflow serves what was promoted."""
        return self._say(release_id, "verify", VerificationResponse)

    def run(self, release_id: int) -> list[StartStatusResponse]:
        """Start the released DAGs, each once."""
        return self._say(release_id, "run", list[StartStatusResponse])

    def soak(self, release_id: int) -> VerificationResponse:
        """Ask whether the first runs have succeeded."""
        return self._say(release_id, "soak", VerificationResponse)

    def errored(self, release_id: int, reason: str) -> ReleaseDetailResponse:
        """Say that our machinery broke while it worked on the release."""
        return self._say(
            release_id, "errored", ReleaseDetailResponse, ErroredBody(reason=shortened(reason, 2000))
        )

    def preview_rollback(self, body: RollbackScopeBody) -> RollbackPlanResponse:
        """What a rollback or retirement would do."""
        return self._send(Call("POST", "/rollbacks/preview", RollbackPlanResponse, body))

    def request_rollback(self, body: RollbackBody) -> ReleaseDetailResponse:
        """Ask for a rollback or retirement and start its pipeline."""
        return self._send(Call("POST", "/rollbacks", ReleaseDetailResponse, body, idempotent=False))

    def retry(self, release_id: int) -> ReleaseDetailResponse:
        """Start a new attempt of a failed, errored or stale release."""
        path = f"/releases/{release_id}/retry"
        return self._send(Call("POST", path, ReleaseDetailResponse, idempotent=False))

    def open_gate(self, body: GateBody) -> GateDetailResponse:
        """Open the gate of one try of one task; the same try gets the same gate."""
        return self._send(Call("POST", "/gates", GateDetailResponse, body))

    def get_gate(self, gate_id: int) -> GateDetailResponse:
        """A gate as it stands now."""
        return self._send(Call("GET", f"/gates/{gate_id}", GateDetailResponse))

    def withdraw_gate(self, gate_id: int) -> GateDetailResponse:
        """Take the question back."""
        return self._send(Call("POST", f"/gates/{gate_id}/withdraw", GateDetailResponse, idempotent=False))

    def _download(self, path: str, file: IO[bytes]) -> None:
        url = f"{self.settings.base_url}{API_PREFIX}{path}"
        delays = self._backoff.delays()
        while True:
            delay = next(delays, None)
            file.seek(0)
            file.truncate()
            try:
                with self._http.stream("GET", url, timeout=self.settings.timeout) as response:
                    if response.is_success:
                        for chunk in response.iter_bytes(1 << 16):
                            file.write(chunk)
                        return
                    response.read()
            except httpx.TransportError as error:
                if delay is None or not may_repeat(error, idempotent=True):
                    raise unreachable(self.settings, error) from error
            else:
                if delay is None or response.status_code not in RETRY_STATUSES:
                    raise error_from(response)
            time.sleep(delay)

    def _say(
        self,
        release_id: int,
        what: str,
        result: type[ResultT],
        body: BaseModel | None = None,
        *,
        idempotent: bool = True,
    ) -> ResultT:
        """Post as the task that we said we are, if we did."""
        claim = self._claims.get(release_id)
        headers = {CLAIM_HEADER: claim} if claim else {}
        path = f"/releases/{release_id}/{what}"
        return self._send(Call("POST", path, result, body, idempotent=idempotent, headers=headers))

    def _send(self, call: Call[ResultT]) -> ResultT:
        delays = self._backoff.delays()
        while True:
            delay = next(delays, None)
            try:
                response = self._http.request(**call.arguments(self.settings))
            except httpx.TransportError as error:
                if delay is None or not may_repeat(error, idempotent=call.idempotent):
                    raise unreachable(self.settings, error) from error
            else:
                if delay is None or not call.idempotent or not is_passing(response):
                    return call.parse(response)
            time.sleep(delay)
