"""How ``airflow db migrate`` finds and changes our tables."""

from __future__ import annotations

from pathlib import Path

from airflow.utils.db_manager import BaseDBManager

import airflow_release_plugin.models  # noqa: F401  (registers every table on the metadata)
from airflow_release_plugin.exceptions import DatabaseUnsupportedError
from airflow_release_plugin.models.base import metadata
from airflow_release_plugin.repositories.databases import why_unsupported

_MIGRATIONS = Path(__file__).parent / "migrations"


class ReleaseDBManager(BaseDBManager):
    """
    Creates, upgrades and drops our tables inside Airflow's metadata database.

    New databases run the migration files too, instead of ``create_all``: there is one way to a schema, and
    it is the tested one.
    """

    metadata = metadata
    version_table_name = "alembic_version_release"
    migration_dir = _MIGRATIONS.as_posix()
    alembic_file = (_MIGRATIONS / "alembic.ini").as_posix()
    supports_table_dropping = True
    revision_heads_map = {"0.1.0": "0001"}

    def initdb(self, use_migration_files: bool = True) -> None:
        """Create the tables."""
        self.upgradedb()

    def upgradedb(
        self,
        to_revision: str | None = None,
        from_revision: str | None = None,
        show_sql_only: bool = False,
        use_migration_files: bool = True,
    ) -> None:
        """
        Bring the tables to ``to_revision``.

        :param to_revision: the newest if ``None``
        :param show_sql_only: print the SQL instead of running it
        :raises DatabaseUnsupportedError: it is neither PostgreSQL nor SQLite
        """
        self._require_supported()
        super().upgradedb(to_revision, from_revision, show_sql_only, use_migration_files=True)  # type: ignore[no-untyped-call]

    def _require_supported(self) -> None:
        if why_not := why_unsupported(self.session):
            raise DatabaseUnsupportedError(why_not)

    def downgrade(
        self, to_revision: str, from_revision: str | None = None, show_sql_only: bool = False
    ) -> None:
        """
        Take the tables back to ``to_revision`` (``base`` removes them).

        :param from_revision: start of the printed SQL; the present revision if ``None``
        :param show_sql_only: print the SQL instead of running it
        """
        from alembic import command

        if from_revision and not show_sql_only:
            msg = "from_revision is for printed SQL only: a downgrade starts at the present revision"
            raise ValueError(msg)
        if not show_sql_only:
            command.downgrade(self.get_alembic_config(), revision=to_revision)
            return
        start = from_revision or self.get_current_revision() or self.get_script_object().get_current_head()
        command.downgrade(self.get_alembic_config(), revision=f"{start}:{to_revision}", sql=True)
