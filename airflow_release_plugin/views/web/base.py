"""What every page shares: the use cases' context, the user, the chosen tab, and typed routes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta, timezone
from enum import Enum
from functools import wraps
from typing import Any, ClassVar, ParamSpec, TypeVar, cast

from flask import g, render_template, request
from flask_appbuilder.baseviews import BaseView, expose

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.list_pages import ListPage, filter_query
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.exceptions import InvalidRequestError, TooLargeError
from airflow_release_plugin.schemas.common import MAX_ID
from airflow_release_plugin.services.read_models import page_frame
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.views.web.datetime_input import read_moment
from airflow_release_plugin.views.web.language import fresh_choice
from airflow_release_plugin.views.web.security import airflow_user

HandlerP = ParamSpec("HandlerP")
AnswerT = TypeVar("AnswerT")
EnumT = TypeVar("EnumT", bound=Enum)
PAGE_SIZE = 50
PAGE_SIZES = (25, PAGE_SIZE, 100, 200)
MOST_LETTERS = 2000
"""Characters of a reason or comment, as the REST API takes them."""
_MOST_DESCRIBED = 10_000


def route(url: str, *methods: str) -> Callable[[Callable[HandlerP, AnswerT]], Callable[HandlerP, AnswerT]]:
    """
    Expose a method of a page under ``url``; GET unless methods are named.

    The method runs in one transaction: committed when it answers, rolled back when it raises.
    """

    def exposed(handler: Callable[HandlerP, AnswerT]) -> Callable[HandlerP, AnswerT]:
        @wraps(handler)
        def in_transaction(*args: HandlerP.args, **kwargs: HandlerP.kwargs) -> AnswerT:
            with unit_of_work(airflow_user()) as (g.ctx, g.actor):
                return handler(*args, **kwargs)

        expose(url, methods or ("GET",))(in_transaction)  # type: ignore[no-untyped-call]
        return in_transaction

    return exposed


class BasePage(BaseView):
    """Base of all pages. Subclasses parse the request, call one use case and render; nothing else."""

    tab: ClassVar[str] = ""

    def ctx(self) -> Context:
        """What the use cases of this request work with."""
        return cast("Context", g.ctx)

    def actor(self) -> Actor:
        """Who acts."""
        return cast("Actor", g.actor)

    def render(
        self,
        template: str,
        *,
        waiting: int | None = None,
        lists: ListPage | None = None,
        **values: Any,
    ) -> str:
        """
        Render a template with the names that all of them use.

        :param waiting: length of the user's inbox, where the page has read it already
        :param lists: the list that the page shows, if people may save filters of it
        """
        actor = self.actor()
        frame = page_frame.get_frame(
            self.ctx(), actor=actor, waiting=waiting, lists=lists, language=fresh_choice(actor)
        )
        shared = {
            "filters": request.args.to_dict(),
            "limit": PAGE_SIZE,
            "offset": offset_arg(),
            "settings": self.ctx().settings,
            "waiting": frame.waiting,
            "unread": frame.unread,
            "drifted": frame.drifted,
            "transfers": frame.transfers,
            "hold": frame.hold,
            "saved_filters": frame.saved_filters,
            "filter_query": filter_query(request.args.items(multi=True)) if lists else "",
        }
        return render_template(template, tab=self.tab, **{**shared, **values})


def is_live_fetch() -> bool:
    """Whether a page that is open fetches its live region again."""
    return request.headers.get("X-Requested-With") == "fetch"


def whole_number(text: str) -> int:
    """
    Read a number of a query or form, for ``get(…, type=whole_number)``.

    :raises ValueError: it is no number, or one that no column holds
    """
    number = int(text)
    if abs(number) > MAX_ID:
        raise ValueError(f"more than {MAX_ID}")
    return number


def offset_arg() -> int:
    """Return the number of rows to skip, 0 or more."""
    return max(request.args.get("offset", 0, type=whole_number), 0)


def size_arg(usual: int = PAGE_SIZE) -> int:
    """Return the number of rows on a page that the query asks for, if it is one of those offered."""
    wanted = request.args.get("limit", usual, type=whole_number)
    return wanted if wanted in PAGE_SIZES else usual


def text_arg(name: str) -> str:
    """Return a query parameter without blanks around it; empty when it is missing."""
    return request.args.get(name, "").strip()


def day_arg(name: str, *, end: bool = False) -> datetime | None:
    """Return a day of the query in UTC, or the start of the day after it; ``None`` when it is no day."""
    try:
        day = datetime.fromisoformat(text_arg(name)).replace(tzinfo=timezone.utc)
        return day + timedelta(days=1) if end else day
    except (ValueError, OverflowError):
        return None


def order_arg(columns: Collection[str], default: str) -> str:
    """Return the order that the query asks for; ``default`` when there is none like it."""
    wanted = text_arg("order_by")
    return wanted if wanted.removeprefix("-") in columns else default


def choice_arg(name: str, choices: type[EnumT]) -> EnumT | None:
    """Return a query parameter as a member of ``choices``; ``None`` when it is missing or none of them."""
    wanted = text_arg(name)
    return next((member for member in choices if member.value == wanted), None)


def posted_text(name: str, most: int = MOST_LETTERS) -> str:
    """
    Return a text of a form without blanks around it, each end of a line as one character, as browsers count.

    :param most: characters that it may have
    :raises TooLargeError: it has more
    """
    text = request.form.get(name, "").replace("\r\n", "\n").strip()
    if len(text) > most:
        raise TooLargeError(
            "A text of the form has %(number)s characters; at most %(most)s are possible. "
            "Nothing was changed: go back and shorten it.",
            number=f"{len(text):,}",
            most=f"{most:,}",
        )
    return text


def posted_ids(name: str, values: Sequence[str] | None = None) -> list[int]:
    """Return the ids of a form, or ``values``, as numbers. Raises ``InvalidRequestError``."""
    texts = request.form.getlist(name) if values is None else values
    if not all(text.isdecimal() and len(text) <= 18 for text in texts):
        raise InvalidRequestError("The form holds an id that is no number. Reload the page and try again.")
    return [int(text) for text in texts]


def posted_release_request() -> ReleaseRequest:
    """Return what a form that asks for a release says about it; reviewers are ids or login names."""
    form = request.form
    asked = [part.strip() for text in form.getlist("reviewers") for part in text.split(",")]
    return ReleaseRequest(
        title=form.get("title", "").strip()[:200],
        reviewers=[name for name in asked if name],
        description=posted_text("description", _MOST_DESCRIBED),
        run_after_release="run_after_release" in form,
        scheduled_at=_posted_schedule(),
        at_least_level=form.get("at_least_level", 1, type=whole_number),
        soak_minutes=form.get("soak_minutes", 0, type=whole_number),
    )


def _posted_schedule() -> datetime | None:
    text = request.form.get("scheduled_at", "").strip()
    return read_moment(text, request.form.get("zone", "UTC")) if text else None


def posted_decision() -> dict[str, Any]:
    """Return verdict, comment, digest and step of a decision form. Raises ``InvalidRequestError``."""
    try:
        verdict = Verdict(request.form.get("verdict", ""))
    except ValueError as error:
        raise InvalidRequestError("Choose approve or reject.") from error
    step = posted_ids("step")
    return {
        "verdict": verdict,
        "comment": posted_text("comment"),
        "change_digest": request.form.get("change_digest", ""),
        "step": step[0] if step else None,
    }
