from __future__ import annotations

import pytest

from tests.harness.closure_cases import CASES, ENTRY, ClosureCase


def name_of(case: ClosureCase) -> str:
    return case.kind.replace("`", "")


@pytest.mark.req("R7")
@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_unit_is_complete_or_says_what_may_be_missing(case: ClosureCase) -> None:
    if case.told:
        assert (case.closure().is_complete, bool(case.missing)) == (False, True)
        assert any("the text does not tell" in said or "lists the folder" in said for said in case.says)
        assert any(f'dags = "{ENTRY}"' in said for said in case.says)
    else:
        assert case.missing == ()


@pytest.mark.parametrize("case", [case for case in CASES if not case.told], ids=name_of)
def test_a_unit_whose_text_tells_all_is_complete(case: ClosureCase) -> None:
    found = case.closure()

    assert (found.gaps, found.unresolved) == ((), ())


@pytest.mark.parametrize("case", [case for case in CASES if case.told], ids=name_of)
def test_one_line_of_code_has_one_warning(case: ClosureCase) -> None:
    assert len(case.says) == 1


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_what_a_unit_leaves_out_changes_nothing_of_it(case: ClosureCase) -> None:
    found = case.closure()
    more = ClosureCase(
        case.kind, case.code, case.needs, others={**case.others, "far/away.yaml": "", "far/x.py": ""}
    )

    assert more.closure().digest == found.digest or "load_yaml_dags" in case.code


def test_each_way_stands_once() -> None:
    assert len({case.kind for case in CASES}) == len(CASES)
