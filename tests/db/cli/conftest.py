from __future__ import annotations

from tests.db.api.conftest import empty_world, manager, world

__all__ = ["empty_world", "manager", "world"]
