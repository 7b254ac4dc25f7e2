"""Who calls, and the transaction of the call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request

from airflow_release_plugin.airflow_internals.actors import resolve
from airflow_release_plugin.airflow_internals.credentials import read_credentials
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import CsrfError, InvalidRequestError, NotAuthenticatedError
from airflow_release_plugin.schemas.common import MAX_ID
from airflow_release_plugin.schemas.task import CLAIM_HEADER
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Caller:
    """
    Who is behind a request.

    :param user: the auth manager's user
    :param claim: what proves that a task of a release's pipeline speaks
    """

    user: Any
    claim: str = ""

    @contextmanager
    def transaction(self) -> Iterator[tuple[Context, Actor]]:
        """The context and actor of one transaction, committed at the end of the block."""
        with unit_of_work(self.user) as (ctx, actor):
            yield ctx, replace(actor, claim=self.claim)


async def get_caller(request: Request) -> Caller:
    """
    Resolve the caller from a bearer token, or, for requests that change nothing, from Airflow's cookie.

    A cookie is sent by the browser whichever site asks; it therefore never authorises a change here. The
    pages have forms with CSRF tokens for that.
    """
    credentials = read_credentials(request.headers, request.cookies)
    if credentials is None:
        raise NotAuthenticatedError("Log in to Airflow, or send a token: Authorization: Bearer <token>.")
    if credentials.is_cookie and request.method not in _SAFE_METHODS:
        raise CsrfError(
            "A cookie alone does not authorise a change here; send Authorization: Bearer <token>."
        )
    return Caller((await resolve(credentials.token))[1], request.headers.get(CLAIM_HEADER, ""))


async def get_known_caller(request: Request) -> Caller | None:
    """The caller of what everybody may ask; ``None`` for who is not logged in, or not any more."""
    try:
        return await get_caller(request)
    except NotAuthenticatedError:
        return None


async def refuse_nul(request: Request) -> None:
    """Refuse a URL with a NUL character: PostgreSQL has no such text, so nothing can be found by it."""
    if b"%00" in request.scope["query_string"] or "\x00" in request.scope["path"]:
        raise InvalidRequestError("The URL contains a NUL character (%%00); leave it out.")


CallerDep = Annotated[Caller, Depends(get_caller)]
KnownCallerDep = Annotated[Caller | None, Depends(get_known_caller)]
LimitQuery = Annotated[int, Query(ge=1, le=1000)]
OffsetQuery = Annotated[int, Query(ge=0, le=MAX_ID)]
IdPath = Annotated[int, Path(ge=0, le=MAX_ID)]
RangesQuery = Annotated[str, Query(max_length=6000)]
