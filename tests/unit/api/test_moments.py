"""Times that the REST API takes."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from pydantic import TypeAdapter, ValidationError

from airflow_release_plugin.schemas.common import Moment

MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


def test_a_time_is_taken_with_its_zone_and_kept_in_utc() -> None:
    read = MOMENT.validate_python("2026-03-01T08:00:00+08:00")
    assert (read, read.tzinfo) == (datetime(2026, 3, 1, tzinfo=timezone.utc), timezone.utc)


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-03-01T08:00:00", "noon"]
)
def test_a_time_that_is_none_in_utc_or_has_no_zone_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(text)
