"""What the user was told and how they want to be told; and what notifiers could not tell, sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, request, url_for

from airflow_release_plugin.domain.flow.notice import NoticeWay
from airflow_release_plugin.domain.flow.notification import PERSONAL_EVENTS
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.services.notices import mine
from airflow_release_plugin.services.notifications import outbox
from airflow_release_plugin.views.web.base import PAGE_SIZE, BasePage, offset_arg, posted_ids, route, text_arg
from airflow_release_plugin.views.web.flashes import flash
from airflow_release_plugin.views.widgets.flow_labels import NOTICE_WAYS
from airflow_release_plugin.views.widgets.notice_words import notice_link, notice_sentence, subject_link

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class NotificationsPage(BasePage):
    """The user's own list, the ways they chose, and what went wrong on the way to others."""

    route_base = "/notifications"
    tab = "notifications"

    @route("/")
    def list(self) -> str:
        """Show what the user was told, the newest first."""
        shows_all = text_arg("show") == "all"
        found = mine.get_list(
            self.ctx(),
            actor=self.actor(),
            unread_only=not shows_all,
            limit=PAGE_SIZE,
            offset=offset_arg(),
        )
        return self.render(
            "releases/notifications.html",
            rows=[(row, notice_link(row), notice_sentence(row)) for row in found.page.items],
            total=found.page.total_entries,
            has_uncounted=found.page.has_uncounted,
            shows_all=shows_all,
            ways=found.ways,
            may_send=found.may_send,
            way_words=NOTICE_WAYS,
        )

    @route("/read", "POST")
    def read(self) -> Response:
        """Mark what is named as read, or everything."""
        ids = None if "all" in request.form else posted_ids("notice")
        mine.mark_read(self.ctx(), actor=self.actor(), notice_ids=ids)
        return redirect(url_for("NotificationsPage.list", show=text_arg("show") or None))

    @route("/ways", "POST")
    def choose(self) -> Response:
        """Keep how the user wants to be told of each kind of event."""
        posted = {event: request.form.get(event.value, "") for event in PERSONAL_EVENTS}
        try:
            ways = {event: NoticeWay(value) for event, value in posted.items() if value}
        except ValueError as error:
            raise InvalidRequestError(
                _("The form is not readable. Reload the page and try again.")
            ) from error
        mine.choose(self.ctx(), actor=self.actor(), chosen=ways)
        flash(_("From now on you are told as you chose."), "success")
        return redirect(url_for("NotificationsPage.list"))

    @route("/<int:notification_id>/retry", "POST")
    def retry(self, notification_id: int) -> Response:
        """Send one again that was given up, and show what it is about."""
        row = outbox.try_again(self.ctx(), actor=self.actor(), notification_id=notification_id)
        flash(_("The notification is sent again within seconds."), "success")
        return redirect(subject_link(row.subject_type, row.subject_id))
