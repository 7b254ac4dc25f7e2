"""What people are told about a version that is another one in the target, by what the runs saw."""

from __future__ import annotations

from dataclasses import replace

from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, blob_id
from airflow_release_plugin.proof.comparison import Difference
from airflow_release_plugin.proof.explanation import explain, lacking_files
from airflow_release_plugin.proof.observation import Access, Observed
from airflow_release_plugin.proof.proving import FileProof
from airflow_release_plugin.proof.report import FileReport

FLOW = "etl/flow.py"
BEFORE = FileReport(FLOW)
LOOKS = Observed(missing=(Access("etl/a.yaml", "etl/flow.py line 3"),))
LISTS = Observed(listed=(Access("etl/conf", "etl/flow.py line 4"),))
DIFFERS = FileProof(FLOW, BEFORE, BEFORE, different=(Difference("etl", "owner", '"a"', '"b"'),))


def files(*paths: str) -> dict[str, FileEntry]:
    return {path: FileEntry(path, REGULAR, blob_id(path.encode()), len(path)) for path in paths}


def test_the_lacking_files_are_those_that_the_sentences_name() -> None:
    source, candidate = files(FLOW, "etl/a.yaml", "etl/b.yaml"), files(FLOW)
    proof = replace(DIFFERS, after=FileReport(FLOW, observed=LOOKS))

    assert lacking_files(proof, source=source, candidate=candidate) == ("etl/a.yaml",)
    assert "It looks for etl/a.yaml (etl/flow.py line 3)" in explain(
        proof, source=source, candidate=candidate
    )


def test_nothing_is_lacking_where_both_make_the_same_or_one_comes_and_goes() -> None:
    source, candidate = files(FLOW, "etl/a.yaml"), files(FLOW)
    steady = FileProof(FLOW, BEFORE, FileReport(FLOW, observed=LOOKS))
    moving = replace(steady, different=DIFFERS.different, unsteady=frozenset(DIFFERS.different))

    assert lacking_files(steady, source=source, candidate=candidate) == ()
    assert lacking_files(moving, source=source, candidate=candidate) == ()


def test_files_of_others_in_a_folder_that_it_lists_are_named() -> None:
    source = files(FLOW, "etl/conf/a.yaml")
    candidate = {**source, **files("etl/conf/z.yaml", "etl/conf/deep/y.yaml")}
    proof = replace(DIFFERS, after=FileReport(FLOW, observed=LISTS))

    assert explain(proof, source=source, candidate=candidate).splitlines()[1:] == [
        "It lists etl/conf (etl/flow.py line 4); in the target etl/conf/z.yaml is there, too.",
        "Give it a folder of its own, or let it list only the names that it needs.",
    ]


def test_what_a_bundle_brought_is_mended_where_the_bundle_comes_from() -> None:
    proof = replace(
        DIFFERS, after=FileReport(FLOW, observed=LOOKS), logged=("ERROR: lost",), is_imported=True
    )

    text = explain(proof, source=files(FLOW, "etl/a.yaml"), candidate=files(FLOW))

    assert text.splitlines()[:2] == [
        'Dag etl, owner: "a" in the bundle, "b" in the target.',
        "In the target it logs while it is parsed, and in the bundle it does not: ERROR: lost",
    ]
    assert "these lines in release.toml where the bundle comes from, and release and export it there" in text
