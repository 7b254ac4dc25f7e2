"""Machines whose served trees the drift guard looks at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.release.drift import Finding
from airflow_release_plugin.models.base import Base, UtcDateTime
from airflow_release_plugin.models.message_types import MessageJSON


class MachineLook(Base):
    """What one machine found last, of the environment and of what it serves itself."""

    __tablename__ = "release_machine"

    environment: Mapped[str] = mapped_column(String(250), primary_key=True)
    host: Mapped[str] = mapped_column(String(250), primary_key=True)
    looked_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="when it looked last")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="since when it finds this")
    total: Mapped[int] = mapped_column(default=0, comment="number of findings; 0 when all is as approved")
    findings_json: Mapped[list[dict[str, str]]] = mapped_column(
        "findings", MessageJSON, default=list, comment="kind, place, path and detail of the first 100"
    )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The first ones."""
        return tuple(Finding.from_dict(finding) for finding in self.findings_json)

    @findings.setter
    def findings(self, findings: Sequence[Finding]) -> None:
        self.findings_json = [finding.to_dict() for finding in findings]
