"""Who uses the pages. Airflow has logged them in already; what they may do is decided by the services."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from flask import current_app, g, redirect, request, session
from flask_appbuilder.security.manager import AbstractSecurityManager

from airflow_release_plugin.exceptions import CsrfError, InvalidRequestError, NotAuthenticatedError

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

USER_KEY = "airflow_release.user"
"""Key of the ASGI scope under which the mount leaves the auth manager's user, or ``None``."""
STATIC_ENDPOINTS = frozenset({"static", "appbuilder.static"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def airflow_user() -> Any:
    """The auth manager's user of this request, or ``None``."""
    return request.environ.get("asgi.scope", {}).get(USER_KEY)


class ReleaseSecurityManager(AbstractSecurityManager):
    """Security manager with no users, roles or tables of its own."""

    auth_view = None
    user_view = None

    @staticmethod
    def before_request() -> None:
        """Make the user known under the name that Flask-AppBuilder expects."""
        g.user = airflow_user()

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Whether somebody is logged in; the services decide the rest."""
        return airflow_user() is not None

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """No page is for everybody."""
        return False

    def register_views(self) -> None:
        """Airflow has the login pages."""

    def add_limit_view(self, baseview: Any) -> None:
        """Airflow's proxy limits rates."""

    def add_permissions_view(self, base_permissions: Collection[str], view_menu: str) -> None:
        """Permissions are not stored."""

    def add_permissions_menu(self, view_menu_name: str) -> None:
        """Permissions are not stored."""


def require_login() -> ResponseReturnValue | None:
    """Send a browser that opens a page without a user to Airflow's login and back; refuse anything else."""
    if request.endpoint in STATIC_ENDPOINTS:
        return None
    user = airflow_user()
    if user is not None:
        user_id = str(user.get_id())
        if session.get("user") != user_id:
            session.clear()  # somebody else's messages and form tokens
            session["user"] = user_id
        return None
    if request.method != "GET" or request.headers.get("Sec-Fetch-Dest") == "empty":
        raise NotAuthenticatedError("You are not logged in any more, so nothing was changed.")
    back = quote(request.script_root + request.full_path.rstrip("?"), safe="")
    return redirect(f"{current_app.config['AIRFLOW_ROOT']}/api/v2/auth/login?next={back}")


def refuse_other_sites() -> None:
    """Refuse a state-changing request that another site caused; the form token is checked after this."""
    if request.method in SAFE_METHODS:
        return
    fetch_site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if fetch_site is not None:
        allowed = fetch_site in {"same-origin", "none"}
    else:
        allowed = origin is None or urlsplit(origin).netloc == request.host
    if not allowed:
        raise CsrfError(
            "This form came from another site and changed nothing. Open the page in Airflow and try again."
        )


def refuse_nul() -> None:
    """Refuse an address or form with a NUL character: PostgreSQL has no such text."""
    sent = (pair for values in (request.args, request.form) for pair in values.items(multi=True))
    if any("\x00" in text for text in (request.path, *(part for pair in sent for part in pair))):
        raise InvalidRequestError(
            "What was sent contains a NUL character, and nothing was changed. Leave it out and send it again."
        )
