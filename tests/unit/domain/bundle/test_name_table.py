from __future__ import annotations

from typing import Any

import pytest

from airflow_release_plugin.domain.bundle.name_table import name_table
from airflow_release_plugin.exceptions import InvalidRequestError


@pytest.mark.req("R59")
def test_names_that_are_the_same_are_left_out() -> None:
    table = name_table({"connection": {"pg": "warehouse", "same": "same"}, "pool": {}})
    assert table.to_dict() == {"connection": {"pg": "warehouse"}}
    assert (table.here("connection", "pg"), table.here("pool", "pg")) == ("warehouse", "pg")
    assert list(table) == [("connection", "pg", "warehouse")]
    assert table
    assert not name_table({})


@pytest.mark.parametrize(
    "raw",
    [
        [],
        {"dag": {"a": "b"}},
        {"pool": ["a"]},
        {"pool": {"a": ""}},
        {"pool": {"a": " "}},
        {"pool": {"a": "x" * 251}},
        {"pool": {"a": "x\n"}},
        {"pool": {"a": 1}},
        {"pool": {str(i): "x" for i in range(2001)}},
    ],
)
def test_other_shapes_are_refused(raw: Any) -> None:
    with pytest.raises(InvalidRequestError):
        name_table(raw)
