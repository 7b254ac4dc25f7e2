from __future__ import annotations

from airflow_release_plugin.domain.release.checks import (
    ALSO_CHANGES,
    CONFINEMENT,
    PROOF,
    CheckItem,
    CheckStatus,
)
from airflow_release_plugin.domain.release.proof_summary import summarise

SHUT = CheckItem(CONFINEMENT, CheckStatus.PASSED, facts={"is_whole": True})


def proof(path, *, equal=True, opened=3, joined=()):
    facts = {"equal": equal, "opened": opened, "joined": list(joined)}
    return CheckItem(PROOF, CheckStatus.PASSED, path, facts=facts)


def other(path, *dag_ids, status=CheckStatus.WARNING):
    return CheckItem(ALSO_CHANGES, status, path, facts={"dag_ids": list(dag_ids)})


def test_a_check_that_ran_nothing_twice_has_no_summary():
    assert summarise([CheckItem("parse", CheckStatus.PASSED, "a.py")]) is None


def test_numbers_of_all_versions_are_added():
    found = summarise(
        [SHUT, proof("a.py", joined=["x", "y"]), proof("b.py", opened=4), proof("c.py", equal=False)]
    )
    assert (found.confined, found.compared, found.equal, found.opened, found.joined) == (True, 3, 2, 10, 2)
    assert (found.also_changes, found.harmed) == ((), False)


def test_a_version_that_was_not_made_from_the_source_is_not_counted_as_compared():
    found = summarise([SHUT, proof("a.py", equal=None)])
    assert (found.compared, found.equal, found.opened) == (0, 0, 3)


def test_what_also_changes_is_named_by_its_dags_and_harm_is_harm():
    changed = [SHUT, other("b.py", "two", "one"), other("c.py", "one")]
    assert summarise(changed).also_changes == ("one", "two")
    assert not summarise(changed).harmed
    assert summarise([*changed, other("d.py", "three", status=CheckStatus.FAILED)]).harmed


def test_a_check_that_does_not_say_whether_it_was_confined_is_not_called_so():
    assert summarise([proof("a.py")]).confined is None
    open_ = CheckItem(CONFINEMENT, CheckStatus.WARNING, facts={"is_whole": False})
    assert summarise([open_]).confined is False


def test_that_nothing_else_changes_is_proven_by_a_check_that_passed_alone():
    assert summarise([SHUT, proof("a.py")]).spares_others
    failed = CheckItem("parse", CheckStatus.FAILED, "a.py", "SyntaxError")
    assert not summarise([SHUT, proof("a.py"), failed]).spares_others
    assert not summarise([SHUT, proof("a.py"), other("b.py", "one")]).spares_others


def test_dag_files_that_nobody_ran_are_no_proof_of_anything():
    unchecked = other("b.py", status=CheckStatus.FAILED)  # names no DAG: what it defines is not known

    found = summarise([SHUT, proof("a.py"), unchecked])

    assert (found.also_changes, found.spares_others) == ((), False)
