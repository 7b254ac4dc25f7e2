"""The requests of the REST API that tasks and triggers make, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from airflow_release_plugin.client.errors import error_from
from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.client.tracing import trace_headers
from airflow_release_plugin.exceptions import ReleaseError, UnavailableError

if TYPE_CHECKING:
    import httpx

API_PREFIX = "/release/api/v1"

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Call(Generic[ResultT]):
    """
    One request.

    :param path: below :data:`API_PREFIX`
    :param result: type of the answer
    :param idempotent: whether sending it twice does what sending it once does
    :param content: bytes to send instead of a body
    :param headers: further ones
    :param timeout: seconds for this request where they differ from those of the settings
    """

    method: str
    path: str
    result: type[ResultT]
    body: BaseModel | None = None
    idempotent: bool = True
    timeout: float | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, settings: ClientSettings) -> dict[str, Any]:
        """Keyword arguments for ``httpx``'s ``request``."""
        found: dict[str, Any] = {
            "method": self.method,
            "url": f"{settings.base_url}{API_PREFIX}{self.path}",
            "timeout": self.timeout or settings.timeout,
        }
        if self.body is not None:
            found["json"] = self.body.model_dump(mode="json")
        if self.content is not None:
            found["content"] = self.content
        if headers := {**trace_headers(), **self.headers}:
            found["headers"] = headers
        return found

    def parse(self, response: httpx.Response) -> ResultT:
        """Return the typed answer. Raises the server's error, or ``ReleaseError`` for an unknown shape."""
        if not response.is_success:
            raise error_from(response)
        try:
            return TypeAdapter(self.result).validate_json(response.content)
        except ValidationError as error:
            raise ReleaseError(
                "%(url)s answered in a shape that this version does not know; install the "
                "same version of airflow-release-plugin on workers and API server.",
                url=str(response.request.url),
            ) from error


def unreachable(settings: ClientSettings, error: httpx.HTTPError) -> UnavailableError:
    """Return the error to raise when the server could not be reached."""
    return UnavailableError(
        "The Airflow API server at %(url)s does not answer (%(error)s); "
        "check that it runs and the host of the connection.",
        url=settings.base_url,
        error=type(error).__name__,
    )
