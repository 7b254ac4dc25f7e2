"""From imports to what the API answers."""

from __future__ import annotations

from airflow_release_plugin.models import Import
from airflow_release_plugin.schemas.imports import ImportResponse
from airflow_release_plugin.services.runtime.context import Context


def import_response(ctx: Context, row: Import) -> ImportResponse:
    """An import as it stands now."""
    # Columns that were left out are filled in by the database.
    ctx.session.flush()
    return ImportResponse.model_validate({name: getattr(row, name) for name in ImportResponse.model_fields})
