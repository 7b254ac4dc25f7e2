from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from airflow_release_plugin.languages import CHINESE, said, speaking
from airflow_release_plugin.messages import Message, keep_messages, restored
from airflow_release_plugin.proof.findings import refusals, remarks
from airflow_release_plugin.proof.observation import Access, Confinement, Observed, OutsideAccess
from airflow_release_plugin.proof.report import FileReport

SHUT = Confinement(files=True, network="all")
OPEN = Confinement(reason="this kernel offers no Landlock")


def outside(*accesses: OutsideAccess) -> FileReport:
    return FileReport("etl.py", observed=Observed(outside=accesses))


def test_nothing_seen_is_nothing_said() -> None:
    assert (refusals(FileReport("etl.py")), remarks(FileReport("etl.py"), SHUT)) == ([], [])


def test_many_refusals_are_counted_after_the_first_ten() -> None:
    found = refusals(
        outside(*(OutsideAccess(f"/dags/{n}", "etl.py line 1", "opens", "x") for n in range(15)))
    )

    assert len(found) == 11
    assert found[-1] == "And 5 more like this."


def test_a_template_is_read_by_airflow_on_behalf_of_the_file() -> None:
    (found,) = refusals(outside(OutsideAccess("/dags/a.sql", "", "opens", "the source 'dev'")))

    assert found.startswith("Airflow, on behalf of etl.py, opens /dags/a.sql, which lies in the source 'dev'")


@pytest.mark.parametrize(("confinement", "is_said"), [(SHUT, True), (OPEN, False)])
def test_only_what_is_shut_is_called_shut(confinement: Confinement, is_said: bool) -> None:
    file = FileReport(
        "etl.py",
        observed=Observed(
            outside=(OutsideAccess("/etc/app.yaml", "etl.py line 2"),),
            connected=(Access("db:5432", "etl.py line 3"),),
        ),
    )
    folder, network = remarks(file, confinement)

    assert ("The check may not read it." in folder) is is_said
    assert ("the check has no network" in network) is is_said


@pytest.mark.parametrize(
    ("confinement", "is_whole", "sentence"),
    [
        (Confinement(True, "all"), True, "Confined: files and network."),
        (Confinement(True, "tcp", "UDP"), True, "Confined: files and TCP connections. Open: UDP."),
        (Confinement(True, "", "the network"), False, "Confined: files. Open: the network."),
        (Confinement(False, "all", "no Landlock"), False, "Not confined: no Landlock."),
    ],
)
def test_what_was_in_force_in_one_line(confinement: Confinement, is_whole: bool, sentence: str) -> None:
    assert (confinement.is_whole, confinement.sentence) == (is_whole, sentence)


def test_a_shorter_list_says_that_it_is_not_whole() -> None:
    seen = Observed(opened=(Access("a"), Access("b")), missing=(Access("c"),))

    assert seen.shortened(2) == seen
    assert seen.shortened(1) == Observed(opened=(Access("a"),), missing=(Access("c"),), is_whole=False)


def test_what_was_seen_survives_a_trip_through_json() -> None:
    seen = Observed(
        opened=(Access("a", "etl.py line 1"),),
        outside=(OutsideAccess("/x", "etl.py line 2", "lists", "the source 'dev'"),),
        connected=(Access("db:1"),),
        is_whole=False,
    )

    assert Observed.from_dict(json.loads(json.dumps({**asdict(seen), "news": 1}))) == seen


def test_a_sentence_about_what_was_seen_is_a_message_after_the_way_to_the_server() -> None:
    source = Message("the source %(bundle)r", bundle="dev")
    seen = outside(OutsideAccess("/dags/a.sql", "etl.py line 3", "runs bash with", source))

    # From the process that runs the file to the worker, and from there to the server.
    travelled = FileReport.from_dict(restored(json.loads(json.dumps(keep_messages(asdict(seen))))))
    [found] = refusals(travelled)
    arrived = restored(json.loads(json.dumps(keep_messages(found))))

    assert arrived == found
    assert found.startswith(
        "etl.py line 3 runs bash with /dags/a.sql, which lies in the source 'dev': what is there"
    )
    assert isinstance(arrived, Message)
    deed, area = arrived.values["deed"], arrived.values["area"]
    assert isinstance(area, Message)
    assert (area.template, area.values) == (source.template, source.values)
    assert isinstance(deed, Message)
    assert deed.values["who"] == "etl.py line 3"
    assert deed.template == "%(who)s runs %(program)s with %(path)s"


@pytest.mark.parametrize("deed", ["opens", "writes to", "lists", "looks for", "looks for modules in"])
def test_each_deed_is_said_with_the_words_that_were_noted(deed: str) -> None:
    [found] = refusals(outside(OutsideAccess("/dags/a", "etl.py line 1", deed, "x")))

    assert found.startswith(f"etl.py line 1 {deed} /dags/a, which lies in x: ")


def test_nothing_said_is_nothing_in_each_language() -> None:
    with speaking(CHINESE):
        assert said(Message("")) == ""
