"""Releases: the list, asking for one, and the page of one with everything that people decide on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flask import current_app, redirect, request, url_for

from airflow_release_plugin.analysis.outlook import MOST_DUE
from airflow_release_plugin.domain.kinds import KINDS_THAT_ASK, ReleaseKind
from airflow_release_plugin.domain.list_pages import ListPage
from airflow_release_plugin.domain.release.release_filter import ReleaseFilter
from airflow_release_plugin.domain.release.runs import AT_WORK, summary
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.messages import counted
from airflow_release_plugin.services.read_models import release_form, release_page
from airflow_release_plugin.services.read_models.release_changes import FILES_AT_ONCE, Against
from airflow_release_plugin.services.read_models.release_page import PageLook, ReleaseTab
from airflow_release_plugin.services.releases import (
    additions,
    break_glass,
    creation,
    decisions,
    releases,
    viewed_files,
)
from airflow_release_plugin.services.releases.additions import LackingFile
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.services.verification import runs
from airflow_release_plugin.views.web.base import (
    PAGE_SIZE,
    BasePage,
    choice_arg,
    day_arg,
    is_live_fetch,
    offset_arg,
    order_arg,
    posted_decision,
    posted_ids,
    posted_release_request,
    posted_text,
    route,
    text_arg,
    whole_number,
)
from airflow_release_plugin.views.web.flashes import flash
from airflow_release_plugin.views.web.security import airflow_user
from airflow_release_plugin.views.widgets.csv_export import release_lines
from airflow_release_plugin.views.widgets.diff_rows import diff_options
from airflow_release_plugin.views.widgets.flow_labels import FLOW_KINDS
from airflow_release_plugin.views.widgets.presentation import state_look

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

MOVING = frozenset({ReleaseState.CHECKING, ReleaseState.AWAITING_APPROVAL, ReleaseState.APPROVED})
"""States whose page is refreshed while somebody looks at it."""

PACKAGE_KINDS = tuple(kind for kind in KINDS_THAT_ASK if kind is not ReleaseKind.GATE)
FILTERS = (
    "state",
    "kind",
    "search",
    "requested_by",
    "released_by",
    "requested_after",
    "requested_before",
    "released_after",
    "released_before",
)


class ReleasesPage(BasePage):
    """Submissions together on their way to the target."""

    route_base = "/releases"
    tab = "releases"

    @route("/")
    def list(self) -> str:
        """Show a page of the list."""
        page = releases.list_releases(
            self.ctx(),
            actor=self.actor(),
            criteria=_criteria(),
            order_by=_order(),
            limit=PAGE_SIZE,
            offset=offset_arg(),
        )
        now = self.ctx().clock()
        rows = [(release, release.effective_state(now)) for release in page.items]
        return self.render(
            "releases/list.html",
            lists=ListPage.RELEASES,
            rows=rows,
            total=page.total_entries,
            has_uncounted=page.has_uncounted,
            filtered=any(text_arg(name) for name in FILTERS),
            states=[(state.value, state_look(state)["label"]) for state in ReleaseState],
            kinds=[(kind.value, FLOW_KINDS[kind.value]) for kind in PACKAGE_KINDS],
            moving=any(state in MOVING for _release, state in rows),
        )

    @route("/releases.csv")
    def download(self) -> Response:
        """Send the list as CSV, row by row."""
        return current_app.response_class(
            _csv(airflow_user(), _criteria(), _order()),
            mimetype="text/csv",
            headers={"Content-Disposition": "attachment; filename=releases.csv"},
        )

    @route("/new")
    def new(self) -> str:
        """Show the form that asks for a release of the chosen versions."""
        return self._form(request.args.to_dict(flat=False), problem=None)

    @route("/create", "POST")
    def create(self) -> Response | tuple[str, int]:
        """Ask for a release; a refusal shows the form again with everything that was typed."""
        try:
            made = creation.request(
                self.ctx(),
                actor=self.actor(),
                submission_ids=posted_ids("submission_ids"),
                release_request=posted_release_request(),
            )
        except ReleaseError as error:
            self.ctx().session.rollback()
            return self._form(request.form.to_dict(flat=False), problem=error.message), error.status
        flash(_("%(number)s was created. It is being checked now.", number=made.number), "success")
        return redirect(url_for("ReleasesPage.show", release_id=made.id))

    def _form(self, values: dict[str, Any], *, problem: str | None) -> str:
        ids = posted_ids("submission_ids", values.get("submission_ids", []))
        level = values.get("at_least_level", ["1"])[0]
        form = release_form.get_form(
            self.ctx(),
            actor=self.actor(),
            submission_ids=ids,
            at_least_level=int(level) if level.isdecimal() else 1,
        )
        return self.render(
            "releases/new.html",
            submissions=form.submissions,
            preview=form.preview,
            values=values,
            problem=problem,
            settings=self.ctx().settings,
        )

    @route("/<int:release_id>")
    def show(self, release_id: int) -> str:
        """Show one tab of a release."""
        look = _look()
        page = release_page.get_release_page(self.ctx(), actor=self.actor(), release_id=release_id, look=look)
        view = page.detail
        return self.render(
            "releases/detail.html",
            page=page,
            view=view,
            release=view.release,
            section=look.tab.value,
            is_newest=not look.before,
            starts=summary(view.runs),
            most_due=MOST_DUE,
            compared_with=look.against.value,
            files_at_once=FILES_AT_ONCE,
            kinds=FLOW_KINDS,
            moving=_is_moving(view),
        )

    @route("/<int:release_id>/viewed", "POST")
    def tick(self, release_id: int) -> Response:
        """Tick a changed file off for the reader, or take the tick off it."""
        is_viewed = "tick" in request.form
        number, _colon, named = request.form.get("tick" if is_viewed else "untick", "").partition(":")
        content, _colon, path = named.partition(":")
        viewed_files.tick(
            self.ctx(),
            actor=self.actor(),
            release_id=release_id,
            path=path,
            content=content,
            is_viewed=is_viewed,
        )
        return redirect(
            url_for(
                "ReleasesPage.show",
                release_id=release_id,
                tab=ReleaseTab.CHANGES.value,
                offset=request.form.get("offset", 0, type=whole_number) or None,
                _anchor=f"file-{number}" if number.isdecimal() else "changes",
            )
        )

    @route("/<int:release_id>/decide", "POST")
    def decide(self, release_id: int) -> Response:
        """Approve or reject."""
        decisions.decide_release(self.ctx(), actor=self.actor(), release_id=release_id, **posted_decision())
        flash(_("Your decision was recorded."), "success")
        return redirect(url_for("ReleasesPage.show", release_id=release_id))

    @route("/<int:release_id>/revoke", "POST")
    def revoke(self, release_id: int) -> Response:
        """Take the release back."""
        reason = posted_text("reason")
        gone = releases.revoke(self.ctx(), actor=self.actor(), release_id=release_id, reason=reason)
        flash(_("%(number)s was revoked. Its versions are in the list again.", number=gone.number), "success")
        return redirect(url_for("ReleasesPage.show", release_id=release_id))

    @route("/<int:release_id>/break-glass", "POST")
    def break_glass(self, release_id: int) -> Response:
        """Override approval and freeze in an emergency."""
        release = break_glass.break_glass(
            self.ctx(),
            actor=self.actor(),
            release_id=release_id,
            change_digest=request.form.get("change_digest", ""),
            reason=posted_text("reason"),
        )
        if release.break_glass_reason:
            flash(_("The glass is broken: the release goes on now. Your reason is in the trail."), "warning")
        else:
            flash(_("A second person has to confirm it; until then nothing goes on."), "warning")
        return redirect(url_for("ReleasesPage.show", release_id=release_id))

    @route("/<int:release_id>/run", "POST")
    def run(self, release_id: int) -> Response:
        """Start what the pipeline could not start."""
        started = summary(runs.start_runs(self.ctx(), actor=self.actor(), release_id=release_id))
        if started.not_started:
            flash(
                counted(
                    "%(num)s Dag could not be started; the page says why.",
                    "%(num)s Dags could not be started; the page says why.",
                    started.not_started,
                ),
                "warning",
            )
        else:
            flash(_("The Dag Runs were started."), "success")
        return redirect(url_for("ReleasesPage.show", release_id=release_id, _anchor="runs"))

    @route("/<int:release_id>/retry", "POST")
    def retry(self, release_id: int) -> Response:
        """Start another attempt."""
        started = creation.retry(self.ctx(), actor=self.actor(), release_id=release_id)
        flash(_("Attempt %(attempt)s was started.", attempt=started.attempt), "success")
        return redirect(url_for("ReleasesPage.show", release_id=release_id))

    @route("/<int:release_id>/add-files", "POST")
    def add_files(self, release_id: int) -> Response:
        """Add files that the check found lacking, and start another attempt."""
        chosen = [text.partition(":") for text in request.form.getlist("file")]
        ids = posted_ids("", [submission_id for submission_id, _colon, _path in chosen])
        files = [LackingFile(number, path) for number, (_id, _colon, path) in zip(ids, chosen, strict=True)]
        started = additions.add_files(self.ctx(), actor=self.actor(), release_id=release_id, files=files)
        flash(
            counted(
                "%(num)s file was added; it is checked again.",
                "%(num)s files were added; it is checked again.",
                len(files),
            ),
            "success",
        )
        return redirect(url_for("ReleasesPage.show", release_id=started.id))


def _look() -> PageLook:
    """What of a release the address asks for."""
    return PageLook(
        tab=choice_arg("tab", ReleaseTab) or ReleaseTab.OVERVIEW,
        against=choice_arg("diff", Against) or Against.BASE,
        options=diff_options(),
        offset=offset_arg(),
        before=max(request.args.get("before", 0, type=whole_number), 0),
        # The live region is fetched again and again; changes and structure are outside of it.
        is_again=is_live_fetch(),
        with_structure=text_arg("part") == "structure",
    )


def _is_moving(view: release_page.ReleaseDetail) -> bool:
    """Whether the page is worth looking at again: also after the release, until its pipeline is through."""
    is_worked_on = view.pipeline is not None and view.pipeline.state in AT_WORK
    after = view.state is ReleaseState.RELEASED and is_worked_on
    return view.state in MOVING or after or any(not run.ended for run in view.runs)


def _csv(user: Any, criteria: ReleaseFilter, order_by: str) -> Iterator[str]:
    """The list as CSV, in a transaction that lasts as long as the download."""
    with unit_of_work(user) as (ctx, actor):
        found = releases.every_release(ctx, actor=actor, criteria=criteria, order_by=order_by)
        yield from release_lines(found, ctx.clock)


def _criteria() -> ReleaseFilter:
    """What the address narrows the list to."""
    return ReleaseFilter(
        state=choice_arg("state", ReleaseState),
        kind=choice_arg("kind", ReleaseKind),
        search=text_arg("search"),
        requested_by=text_arg("requested_by"),
        released_by=text_arg("released_by"),
        requested_after=day_arg("requested_after"),
        requested_before=day_arg("requested_before", end=True),
        released_after=day_arg("released_after"),
        released_before=day_arg("released_before", end=True),
    )


def _order() -> str:
    return order_arg(releases.ORDER_COLUMNS, "-number")
