"""What people say about a release: forms of its page, each leading back to where it stood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, request, url_for

from airflow_release_plugin.domain.discussion.anchors import LinePoint, Side
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.services.discussion import comments, lines, reading, threads
from airflow_release_plugin.services.discussion.telling import Written
from airflow_release_plugin.services.read_models.release_page import ReleaseTab
from airflow_release_plugin.views.web.base import BasePage, posted_ids, route, whole_number
from airflow_release_plugin.views.web.flashes import flash

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class DiscussionPage(BasePage):
    """Comments and threads of a release."""

    route_base = "/discussion"

    @route("/<int:release_id>/threads/<int:thread_id>")
    def thread(self, release_id: int, thread_id: int) -> Response:
        """Lead to a thread, on the lines of its file."""
        found = reading.find_thread(
            self.ctx(), actor=self.actor(), release_id=release_id, thread_id=thread_id
        )
        return redirect(
            url_for(
                "ReleasesPage.show",
                release_id=release_id,
                tab=ReleaseTab.CHANGES.value,
                only=found.path,
                _anchor=f"thread-{found.id}",
            )
        )

    @route("/<int:release_id>/comments", "POST")
    def say(self, release_id: int) -> Response:
        """Keep a comment, or an answer in a thread."""
        thread = posted_ids("thread_id")
        written = comments.add_comment(
            self.ctx(),
            actor=self.actor(),
            release_id=release_id,
            text=_text(),
            thread_id=thread[0] if thread else None,
        )
        _tell(written)
        return _back(release_id, f"comment-{written.comment.id}")

    @route("/<int:release_id>/comments/<int:comment_id>/edit", "POST")
    def edit(self, release_id: int, comment_id: int) -> Response:
        """Keep other words of the same person."""
        written = comments.edit_comment(
            self.ctx(), actor=self.actor(), release_id=release_id, comment_id=comment_id, text=_text()
        )
        _tell(written)
        return _back(release_id, f"comment-{comment_id}")

    @route("/<int:release_id>/comments/<int:comment_id>/delete", "POST")
    def delete(self, release_id: int, comment_id: int) -> Response:
        """Take words away."""
        comments.delete_comment(self.ctx(), actor=self.actor(), release_id=release_id, comment_id=comment_id)
        flash(_("The comment was deleted; the trail says so."), "success")
        return _back(release_id, f"comment-{comment_id}")

    @route("/<int:release_id>/threads", "POST")
    def open(self, release_id: int) -> Response:
        """Keep a comment on a line."""
        written = lines.open_thread(
            self.ctx(), actor=self.actor(), release_id=release_id, point=_point(), text=_text()
        )
        _tell(written)
        return _back(release_id, f"thread-{written.comment.thread_id}")

    @route("/<int:release_id>/threads/<int:thread_id>/resolve", "POST")
    def resolve(self, release_id: int, thread_id: int) -> Response:
        """Settle a thread."""
        threads.resolve_thread(self.ctx(), actor=self.actor(), release_id=release_id, thread_id=thread_id)
        flash(_("The thread is resolved."), "success")
        return _back(release_id, f"thread-{thread_id}")

    @route("/<int:release_id>/threads/<int:thread_id>/reopen", "POST")
    def reopen(self, release_id: int, thread_id: int) -> Response:
        """Open a settled thread again."""
        threads.reopen_thread(self.ctx(), actor=self.actor(), release_id=release_id, thread_id=thread_id)
        flash(_("The thread is open again."), "success")
        return _back(release_id, f"thread-{thread_id}")


def _text() -> str:
    return request.form.get("text", "")


def _point() -> LinePoint:
    """The line that a form names. Raises ``InvalidRequestError``."""
    line = posted_ids("line")
    try:
        side = Side(request.form.get("side", ""))
    except ValueError as error:
        raise InvalidRequestError("Choose the old or the new text of the file.") from error
    if not line:
        raise InvalidRequestError("Name the line that the comment is about.")
    return LinePoint(request.form.get("path", ""), side, line[0])


def _tell(written: Written) -> None:
    """Say that words were kept, and who is told of them, or not."""
    if written.told:
        flash(_("Your comment was kept. Notified: %(names)s.", names=list(written.told)), "success")
    else:
        flash(_("Your comment was kept."), "success")
    if written.untold:
        names = [_("%(name)s (%(reason)s)", name=each.name, reason=each.reason) for each in written.untold]
        flash(_("Not notified: %(names)s.", names=names), "warning")


def _back(release_id: int, anchor: str) -> Response:
    """The tab that a form stood on, at what it was about."""
    is_changes = request.form.get("tab") == ReleaseTab.CHANGES.value
    place = {
        "tab": (ReleaseTab.CHANGES if is_changes else ReleaseTab.ACTIVITY).value,
        "offset": request.form.get("offset", 0, type=whole_number) or None,
        "only": request.form.get("only") or None,
    }
    return redirect(url_for("ReleasesPage.show", release_id=release_id, **place, _anchor=anchor))
