"""An auth manager that is neither Airflow's simple one nor FAB's, and a directory of its people."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

DIRECTORY: list[Any] = []
"""What :func:`list_people` answers; an exception in it is raised."""
asked: list[int] = []


def list_people() -> list[Any]:
    """The people provider of these tests."""
    asked.append(1)
    for entry in DIRECTORY:
        if isinstance(entry, Exception):
            raise entry
    return DIRECTORY


class OwnUser(BaseUser):
    """A user whose token carries the roles that an identity provider claimed."""

    def __init__(self, user_id: str, name: str, roles: list[str]) -> None:
        self.user_id, self.name, self.roles = user_id, name, roles

    def get_id(self) -> str:
        return self.user_id

    def get_name(self) -> str:
        return self.name


class OwnAuthManager(BaseAuthManager[OwnUser]):
    """Lets everybody do everything in Airflow, so that only our own rules are left."""

    def deserialize_user(self, token: dict[str, Any]) -> OwnUser:
        return OwnUser(token["sub"], token["name"], token["roles"])

    def serialize_user(self, user: OwnUser) -> dict[str, Any]:
        return {"sub": user.user_id, "name": user.name, "roles": user.roles}

    def get_url_login(self, **kwargs: Any) -> str:
        return "/login"

    def _yes(self, *_: Any, **__: Any) -> bool:
        return True

    is_authorized_configuration = _yes
    is_authorized_connection = _yes
    is_authorized_dag = _yes
    is_authorized_backfill = _yes
    is_authorized_asset = _yes
    is_authorized_asset_alias = _yes
    is_authorized_pool = _yes
    is_authorized_variable = _yes
    is_authorized_view = _yes
    is_authorized_custom_view = _yes

    def filter_authorized_menu_items(self, menu_items: Any, *, user: OwnUser) -> Any:
        return menu_items
