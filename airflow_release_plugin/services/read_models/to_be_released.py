"""The to-be-released list: a page of it, as the user left it or as they ask now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.runtime import preferences
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions import (
    candidate_weights,
    candidates,
    shared_files,
    submissions,
)
from airflow_release_plugin.services.submissions.candidate_weights import CandidateWeight
from airflow_release_plugin.services.submissions.candidates import Candidate, CandidateFilter
from airflow_release_plugin.services.submissions.shared_files import SharedFile
from airflow_release_plugin.services.submissions.workspace import SourceWorkspace

PAGE = "to_be_released"
"""Under which it is remembered how a user left the list."""


@dataclass(frozen=True)
class ListRequest:
    """
    What a user asks the list for.

    :param query: the query string to open it with the next time; ``None`` to open it as it was left
    :param shared: whether shared files are wanted, not DAG files
    """

    query: str | None
    shared: bool
    wanted: CandidateFilter
    order_by: str
    limit: int
    offset: int


@dataclass(frozen=True)
class ListDetail:
    """
    A page of the list.

    :param left: the query string that the user left it with; then there are no rows
    :param candidates: DAG files; ``None`` where shared files are shown
    :param weights: size, risk and trials by path of the row
    :param first_use: whether nothing was ever submitted here
    """

    left: str = ""
    candidates: Page[Candidate] | None = None
    shared_files: Page[SharedFile] | None = None
    first_use: bool = False
    weights: Mapping[str, CandidateWeight] = field(default_factory=dict)


def get_list(ctx: Context, *, actor: Actor, asked: ListRequest) -> ListDetail:
    """A page of the list, and how the actor left it is remembered."""
    if asked.query is None:
        left = preferences.recall(ctx, actor=actor, page=PAGE)
        if left:
            return ListDetail(left=left)
    else:
        preferences.remember(ctx, actor=actor, page=PAGE, query=asked.query)
    if asked.shared:
        return ListDetail(shared_files=_shared_files(ctx, asked, actor=actor))
    workspace = SourceWorkspace(ctx)
    page = candidates.list_candidates(
        ctx,
        actor=actor,
        wanted=asked.wanted,
        order_by=asked.order_by if asked.order_by.removeprefix("-") in candidates.ORDER_COLUMNS else "",
        limit=asked.limit,
        offset=asked.offset,
        workspace=workspace,
    )
    return ListDetail(
        candidates=page,
        weights=candidate_weights.weigh(ctx, workspace, page.items),
        first_use=submissions.is_first_use(ctx),
    )


def _shared_files(ctx: Context, asked: ListRequest, *, actor: Actor) -> Page[SharedFile]:
    return shared_files.list_shared_files(
        ctx,
        actor=actor,
        search=asked.wanted.search,
        order_by=asked.order_by if asked.order_by.removeprefix("-") in shared_files.ORDER_COLUMNS else "",
        limit=asked.limit,
        offset=asked.offset,
    )
