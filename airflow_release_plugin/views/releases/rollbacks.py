"""Rolling back and retiring: what to go back to, exactly what that would do, and the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import redirect, request, url_for

from airflow_release_plugin.domain.release.release_filter import ReleaseFilter
from airflow_release_plugin.domain.release.rollback_scope import Scope, scope_of
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.services.read_models import rollback_page
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.rollbacks import rollbacks
from airflow_release_plugin.services.rollbacks.planning import Choice
from airflow_release_plugin.views.web.base import BasePage, posted_release_request, route, whole_number
from airflow_release_plugin.views.web.datetime_input import read_moment
from airflow_release_plugin.views.web.flashes import flash
from airflow_release_plugin.views.widgets.diff_rows import diff_options

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict
    from werkzeug.wrappers import Response

    Fields = MultiDict[str, str]

SCOPE_FIELDS = ("dag_id", "version", "release_id", "moment", "zone", "after_release_id", "retire")
RECENT = 20


class RollbackPage(BasePage):
    """Going back, as a release of its own."""

    route_base = "/rollbacks"
    tab = "releases"

    @route("/new")
    def new(self) -> str:
        """Show the plan for what the address names; without that, ask what to go back to."""
        fields = request.args
        scope = _scope(fields)
        return self._choose() if scope is None else self._plan(scope, fields)

    @route("/create", "POST")
    def create(self) -> Response | tuple[str, int]:
        """Ask for it; a refusal shows the plan again with everything that was typed."""
        form = request.form
        scope = _scope(form)
        if scope is None:
            raise InvalidRequestError("The form does not say what to go back to. Start at Releases.")
        try:
            made = rollbacks.request(
                self.ctx(),
                actor=self.actor(),
                scope=scope,
                choice=_choice(form),
                digest=form.get("digest", ""),
                release_request=posted_release_request(),
            )
        except ReleaseError as error:
            self.ctx().session.rollback()
            return self._plan(scope, form, problem=error.message), error.status
        flash(_("%(number)s was created. It is being checked now.", number=made.number), "success")
        return redirect(url_for("ReleasesPage.show", release_id=made.id))

    def _choose(self) -> str:
        found = releases.list_releases(
            self.ctx(),
            actor=self.actor(),
            criteria=ReleaseFilter(state=ReleaseState.RELEASED),
            order_by="-released_at",
            limit=RECENT,
        )
        return self.render(
            "releases/rollback_choose.html", releases=found.items, settings=self.ctx().settings
        )

    def _plan(self, scope: Scope, fields: Fields, problem: str | None = None) -> str:
        choice = _choice(fields)
        level = fields.get("at_least_level", 1, type=whole_number)
        page = rollback_page.get_detail(
            self.ctx(),
            actor=self.actor(),
            scope=scope,
            choice=choice,
            at_least_level=level,
            options=diff_options(),
        )
        return self.render(
            "releases/rollback.html",
            plan=page.plan,
            choice=choice,
            named={name: fields.getlist(name) for name in SCOPE_FIELDS if fields.get(name)},
            preview=page.preview,
            changes=page.changes,
            values=fields.to_dict(flat=False),
            problem=problem,
            settings=self.ctx().settings,
        )


def _scope(fields: Fields) -> Scope | None:
    """What the fields name; ``None`` when they name nothing. Raises ``InvalidRequestError``."""
    if not any(fields.get(name) for name in SCOPE_FIELDS if name != "zone"):
        return None
    moment = fields.get("moment", "").strip()
    return scope_of(
        dag_id=fields.get("dag_id", "").strip(),
        version=_number(fields, "version"),
        release_id=_number(fields, "release_id"),
        moment=read_moment(moment, fields.get("zone", "UTC")) if moment else None,
        after_release_id=_number(fields, "after_release_id"),
        retire=[text.strip() for text in fields.getlist("retire") if text.strip()],
    )


def _number(fields: Mapping[str, Any], name: str) -> int | None:
    text = str(fields.get(name, "")).strip().removeprefix("v")
    if text and not (text.isdecimal() and len(text) < 10):
        raise InvalidRequestError(_("%(text)r is no number.", text=text))
    return int(text) if text else None


def _choice(fields: Fields) -> Choice:
    return Choice(include=frozenset(fields.getlist("include")), keep=frozenset(fields.getlist("keep")))
