"""
The DAG bundle that serves what was released to an environment.

Every task that starts imports this module, whatever bundle it belongs to, and most find their version on the
disk: this imports nothing but Airflow's base class. What keeps versions here is :mod:`.keeper`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.dag_processing.bundles.base import BaseDagBundle

from airflow_release_plugin.standing import is_due, note_of, stands

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.dag_processing.bundles.base import BundleVersion

    from airflow_release_plugin.bundles.keeper import BundleKeeper
    from airflow_release_plugin.domain.bundle_folders import ServingFolders

DEFAULT_CONN_ID = "airflow_release_default"


class ReleaseDagBundle(BaseDagBundle):
    """
    Serves what was promoted to an environment, and nothing else; its version is the commit.

    A version on this machine needs nobody else, and a folder is either the whole commit or not there.

    :param environment: name of the environment; default: the name of the bundle
    :param release_conn_id: connection of type ``airflow_release`` for machines without the database
    """

    supports_versioning = True

    def __init__(
        self, *, environment: str | None = None, release_conn_id: str = DEFAULT_CONN_ID, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.environment = environment or self.name
        self.release_conn_id = release_conn_id
        self.current = self.base_dir / "current"
        self.sign_due = self.base_dir / "sign_due"
        self._made: BundleKeeper | None = None

    @property
    def path(self) -> Path:
        # One path for all versions of the tracking copy, so that unchanged files stay where they were
        return self.versions_dir / self.version if self.version else self.current

    @property
    def keeper(self) -> BundleKeeper:
        """What gets versions to this machine."""
        if self._made is None:
            from airflow_release_plugin.bundles.keeper import BundleKeeper

            self._made = BundleKeeper(self)
        return self._made

    @property
    def folders(self) -> ServingFolders:
        """Where this machine keeps what it serves, for the drift guard."""
        return self.keeper.folders

    def initialize(self) -> None:
        if not self._stands():
            self._provide()
        super().initialize()

    def _stands(self) -> bool:
        """Whether the version is on the disk as when all of it was looked at, and no sign of life is due."""
        return bool(
            self.version
            and not is_due(self.sign_due)
            and stands(self.path, note_of(self.base_dir, self.version))
        )

    def _provide(self) -> None:
        from socket import gethostname

        from airflow.sdk.exceptions import AirflowException

        from airflow_release_plugin.exceptions import ReleaseError

        try:
            self.keeper.provide()
        except ReleaseError as error:
            # Airflow 3.2's dag processor dies of anything else, 3.3's retries after anything
            what = f"version {self.version} of" if self.version else "anything of"
            raise AirflowException(
                f"Host {gethostname()!r} cannot serve {what} the bundle {self.name!r}: {error.message}"
            ) from error

    def refresh(self) -> None:
        self.keeper.refresh()

    def get_current_version(self) -> BundleVersion | str | None:
        version = self.version or self.keeper.served()
        if version is None:
            return None
        from airflow_release_plugin.version_compat import AIRFLOW_V_3_3_PLUS

        if AIRFLOW_V_3_3_PLUS:
            from airflow.dag_processing.bundles.base import BundleVersion

            return BundleVersion(version=version)
        return version
