"""The search box of the section: its options while one types, and a page of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from flask import render_template, url_for

from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.services.read_models import quick_search
from airflow_release_plugin.services.read_models.quick_search import QuickSearchDetail
from airflow_release_plugin.views.web.base import BasePage, route, text_arg


@dataclass(frozen=True)
class HitRow:
    """
    One thing that was found.

    :param state: shown as a badge
    """

    address: str
    text: str
    note: str = ""
    state: Enum | None = None


@dataclass(frozen=True)
class HitGroup:
    """What was found of one kind; its name is an id on the page."""

    name: str
    title: str
    icon: str
    rows: list[HitRow]


class QuickSearchPage(BasePage):
    """Leads to releases, DAGs, versions, flows and people by parts of their names."""

    route_base = "/search"

    @route("/")
    def show(self) -> str:
        """Show what was found as a page: the box without a script, and an address to hand on."""
        found = quick_search.find(self.ctx(), actor=self.actor(), text=text_arg("q"))
        return self.render("web/quick_search.html", text=text_arg("q"), found=found, groups=hit_groups(found))

    @route("/options")
    def options(self) -> str:
        """Answer with what was found as options of the box."""
        found = quick_search.find(self.ctx(), actor=self.actor(), text=text_arg("q"))
        return render_template("web/_hits.html", found=found, groups=hit_groups(found))


def hit_groups(found: QuickSearchDetail) -> list[HitGroup]:
    """What was found by kind, without kinds of which nothing was."""
    groups = (
        HitGroup("releases", _("Releases"), "package", _release_rows(found)),
        HitGroup("dags", _("Dags"), "rules", _dag_rows(found)),
        HitGroup("versions", _("Versions"), "file", _version_rows(found)),
        HitGroup("flows", _("Approval flows"), "check", _flow_rows(found)),
        HitGroup("people", _("People"), "person", _people_rows(found)),
    )
    return [group for group in groups if group.rows]


def _release_rows(found: QuickSearchDetail) -> list[HitRow]:
    return [
        HitRow(
            url_for("ReleasesPage.show", release_id=row.id),
            _("%(number)s %(title)s", number=row.number, title=row.title),
            state=row.state,
        )
        for row in found.releases
    ]


def _dag_rows(found: QuickSearchDetail) -> list[HitRow]:
    return [HitRow(url_for("RecordsPage.dag", dag_id=hit.dag_id), hit.dag_id, hit.path) for hit in found.dags]


def _version_rows(found: QuickSearchDetail) -> list[HitRow]:
    return [
        HitRow(
            url_for("ToBeReleasedPage.submission", submission_id=hit.version.submission_id),
            _("%(name)s v%(version)s", name=hit.name, version=hit.version.version),
            state=hit.version.state,
        )
        for hit in found.versions
    ]


def _flow_rows(found: QuickSearchDetail) -> list[HitRow]:
    return [
        HitRow(url_for("FlowsPage.show", flow_id=row.id), row.name, _("On") if row.enabled else _("Off"))
        for row in found.flows
    ]


def _people_rows(found: QuickSearchDetail) -> list[HitRow]:
    return [
        HitRow(url_for("ReviewersPage.list", who=person.name), person.name, ", ".join(sorted(person.roles)))
        for person in found.people
    ]
