"""The Flask-AppBuilder app behind ``/release/ui``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface
from flask_appbuilder.base import AppBuilder
from flask_wtf.csrf import CSRFProtect
from werkzeug.routing import IntegerConverter, ValidationError

from airflow_release_plugin.schemas.common import MAX_ID
from airflow_release_plugin.views.environments.drift_adoption import DriftAdoptionPage
from airflow_release_plugin.views.environments.environment import EnvironmentPage
from airflow_release_plugin.views.environments.hold import HoldPage
from airflow_release_plugin.views.flows.flows import FlowsPage
from airflow_release_plugin.views.flows.reviewers import ReviewersPage
from airflow_release_plugin.views.flows.simulator import SimulatorPage
from airflow_release_plugin.views.insights.insights import InsightsPage
from airflow_release_plugin.views.lists.saved_filters import SavedFiltersPage
from airflow_release_plugin.views.releases.approvals import ApprovalsPage
from airflow_release_plugin.views.releases.compare import ComparePage
from airflow_release_plugin.views.releases.dag_tab import DagTabPage
from airflow_release_plugin.views.releases.discussion import DiscussionPage
from airflow_release_plugin.views.releases.emergency import EmergencyPage
from airflow_release_plugin.views.releases.home import HomePage
from airflow_release_plugin.views.releases.notifications import NotificationsPage
from airflow_release_plugin.views.releases.records import RecordsPage
from airflow_release_plugin.views.releases.releases import ReleasesPage
from airflow_release_plugin.views.releases.rollbacks import RollbackPage
from airflow_release_plugin.views.releases.to_be_released import ToBeReleasedPage
from airflow_release_plugin.views.transfers.exports import ExportsPage
from airflow_release_plugin.views.transfers.import_contents import ImportContentPage
from airflow_release_plugin.views.transfers.import_page import ImportPage
from airflow_release_plugin.views.transfers.imports import ImportsPage, allow_uploads
from airflow_release_plugin.views.web.errors import register_error_pages
from airflow_release_plugin.views.web.language import install_texts, speak_to_reader
from airflow_release_plugin.views.web.quick_search import QuickSearchPage
from airflow_release_plugin.views.web.security import (
    ReleaseSecurityManager,
    refuse_nul,
    refuse_other_sites,
    require_login,
)
from airflow_release_plugin.views.web.static_files import keep_in_browser
from airflow_release_plugin.views.widgets.presentation import register_presentation

if TYPE_CHECKING:
    from flask_appbuilder.security.manager import BaseSecurityManager

PAGES = (
    ToBeReleasedPage,
    ReleasesPage,
    RollbackPage,
    ComparePage,
    SavedFiltersPage,
    RecordsPage,
    ApprovalsPage,
    FlowsPage,
    SimulatorPage,
    ReviewersPage,
    DiscussionPage,
    NotificationsPage,
    DriftAdoptionPage,
    EnvironmentPage,
    HoldPage,
    EmergencyPage,
    DagTabPage,
    InsightsPage,
    ExportsPage,
    ImportsPage,
    ImportPage,
    ImportContentPage,
    QuickSearchPage,
)
HERE = Path(__file__).parent
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
    )
)


class _SessionInterface(SecureCookieSessionInterface):
    """Marks the cookie as secure exactly when the page came over HTTPS."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


class _RowId(IntegerConverter):
    """A number in an address; one that no column holds leads nowhere, as a number that nobody has."""

    def to_python(self, value: str) -> int:
        if len(value) > 10 or int(value) > MAX_ID:
            raise ValidationError
        return int(super().to_python(value))


def _add_headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint == "static":
        keep_in_browser(response)
    else:
        response.headers["Cache-Control"] = "no-store"
    return response


def _configure(app: Flask, secret_key: str, root_path: str) -> None:
    app.config.update(
        SECRET_KEY=secret_key,
        AIRFLOW_ROOT=root_path,
        APP_NAME="Airflow Release",
        SESSION_COOKIE_NAME="airflow_release_session",
        SESSION_COOKIE_PATH=f"{root_path}/release",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: reviewers leave pages open for hours
        WTF_CSRF_SSL_STRICT=False,  # refuse_other_sites does this, also behind proxies that rewrite the host
        FAB_ADD_MENU_API=False,
        FAB_ADD_OPENAPI_VIEWS=False,
    )
    app.session_interface = _SessionInterface()
    app.url_map.converters["int"] = _RowId
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def create_flask_app(*, session: Any, secret_key: str, root_path: str = "") -> Flask:
    """
    Build the app.

    :param session: Airflow's scoped session
    :param secret_key: key of our session cookie; never Airflow's own
    :param root_path: path under which a proxy serves Airflow, or an empty string
    """
    app = Flask(__name__, template_folder=str(HERE / "templates"), static_folder=str(HERE / "static"))
    _configure(app, secret_key, root_path)
    speak_to_reader(app)
    app.before_request(require_login)
    app.before_request(refuse_other_sites)
    app.before_request(allow_uploads)
    app.before_request(refuse_nul)
    CSRFProtect(app)  # type: ignore[no-untyped-call]
    app.teardown_request(lambda _error: session.remove())  # auth managers use it in our threads
    app.after_request(_add_headers)
    register_error_pages(app)
    register_presentation(app)
    with app.app_context():
        appbuilder = AppBuilder(
            app,
            session,
            indexview=HomePage,
            base_template="web/base.html",
            security_manager_class=cast("type[BaseSecurityManager]", ReleaseSecurityManager),
            update_perms=False,
        )
        # Flask-AppBuilder has installed translations of its own in the meantime.
        install_texts(app)
        for page in PAGES:
            appbuilder.add_view_no_menu(page)
    return app
