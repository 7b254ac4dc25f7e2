"""Who is eligible to approve through what, and deputies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import redirect, render_template, request, url_for

from airflow_release_plugin.domain.flow.flow import StepSpec
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.models import Deputy
from airflow_release_plugin.services.approvals import deputies
from airflow_release_plugin.services.approvals.flow_admin import StepPeople
from airflow_release_plugin.services.read_models import approver_search, reviewers_page
from airflow_release_plugin.views.web.base import BasePage, route, text_arg
from airflow_release_plugin.views.web.datetime_input import read_moment
from airflow_release_plugin.views.web.flashes import flash

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


@dataclass(frozen=True)
class Eligible:
    """A person at a step, with what makes them eligible."""

    person: Person
    through: str


@dataclass(frozen=True)
class StepRow:
    """A step with its people."""

    step: StepPeople
    people: tuple[Eligible, ...]


class ReviewersPage(BasePage):
    """By flow, level and step: names, and whether by name, by role or as a deputy."""

    route_base = "/reviewers"
    tab = "flows"

    @route("/")
    def list(self) -> str:
        """Show who may approve where."""
        return self._page({})

    @route("/people")
    def people(self) -> str:
        """Answer with people as options of a field."""
        found = approver_search.find_people(self.ctx(), actor=self.actor(), text=text_arg("q"))
        return render_template("flows/_people_options.html", people=found)

    @route("/roles")
    def roles(self) -> str:
        """Answer with roles as options of a field."""
        found = approver_search.find_roles(self.ctx(), actor=self.actor(), text=text_arg("q"))
        return render_template("flows/_role_options.html", roles=found)

    @route("/deputies", "POST")
    def name_deputy(self) -> Response | tuple[str, int]:
        """Let somebody decide in somebody's place for a time."""
        form = request.form
        try:
            zone = form.get("zone", "UTC")
            made = deputies.name_deputy(
                self.ctx(),
                actor=self.actor(),
                person=form.get("person", "").strip(),
                deputy=form.get("deputy", "").strip(),
                starts_at=read_moment(form.get("starts_at", ""), zone),
                ends_at=read_moment(form.get("ends_at", ""), zone),
            )
        except ReleaseError as error:
            self.ctx().session.rollback()
            return self._page(form.to_dict(), problem=error.message), error.status
        flash(
            _("%(deputy)s may decide for %(person)s.", deputy=made.deputy_name, person=made.person_name),
            "success",
        )
        return redirect(url_for("ReviewersPage.list") + "#deputies")

    @route("/deputies/<int:deputy_id>/end", "POST")
    def end_deputy(self, deputy_id: int) -> Response:
        """End a deputy's time now."""
        deputies.end_deputy(self.ctx(), actor=self.actor(), deputy_id=deputy_id)
        flash(_("The deputy's time has ended."), "success")
        return redirect(url_for("ReviewersPage.list") + "#deputies")

    def _page(self, values: dict[str, str], problem: str | None = None) -> str:
        page = reviewers_page.get_reviewers(self.ctx(), actor=self.actor())
        who = text_arg("who")
        cards = [(flow, _shown(_rows(steps, page.active), who)) for flow, steps in page.flows]
        return self.render(
            "flows/reviewers.html",
            cards=[(flow, rows) for flow, rows in cards if rows],
            deputies=page.deputies,
            active={row.id for row in page.active},
            now=page.now,
            is_admin=page.is_admin,
            me=self.actor(),
            users=[person.name for person in page.people],
            values=values,
            problem=problem,
        )


def _rows(steps: Iterable[tuple[StepSpec, StepPeople]], active: Sequence[Deputy]) -> list[StepRow]:
    return [StepRow(step, tuple(_eligible(step, spec, active))) for spec, step in steps]


def _shown(rows: Sequence[StepRow], who: str) -> Sequence[StepRow]:
    return [
        row for row in rows if not who or any(who.casefold() in e.person.name.casefold() for e in row.people)
    ]


def _eligible(step: StepPeople, spec: StepSpec, active: Sequence[Deputy]) -> list[Eligible]:
    found = []
    for person in step.people:
        roles = sorted(person.roles & set(spec.roles))
        is_named = person.name in spec.users or person.id in spec.users
        by = [*([_("by name")] if is_named else []), *(_("role %(role)s", role=role) for role in roles)]
        found.append(Eligible(person, _("%(grounds)s", grounds=by)))
    asked = {person.id: person for person in step.people}
    found += [
        Eligible(row.deputy, _("deputy of %(name)s", name=row.person_name))
        for row in active
        if row.person_id in asked and row.deputy_id not in asked
    ]
    return found
