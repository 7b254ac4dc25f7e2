"""
What running the examples of ``closure_cases.toml`` finds beyond their text: ``closure_runs.json``.

All of them are proven at once, as a check does it: in the source, and in a target that has only what their
text tells. ``python -m tests.harness.closure_runs`` writes the file anew; a test compares it with the code.
"""

from __future__ import annotations

import json
import re
import tempfile
from functools import partial
from pathlib import Path

from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, blob_id
from airflow_release_plugin.proof.explanation import explain
from airflow_release_plugin.proof.limits import Limits
from airflow_release_plugin.proof.proving import FileProof, Proof, Provable, Trees, prove
from airflow_release_plugin.store.serving import ServedTrees
from tests.harness.closure_cases import CASES, ENTRY, ClosureCase
from tests.harness.running import run_files

FOUND = Path(__file__).with_suffix(".json")
WORDS = "case_words.py"
_NOT_INSTALLED = re.compile(r"No module named '(dagfactory)'")


def read_found() -> dict[str, str]:
    """What was found the last time, by kind of the example."""
    return dict(json.loads(FOUND.read_text()))


def run_all(folder: Path) -> dict[str, str]:
    """Prove every example; ``folder`` is empty."""
    texts = {WORDS: (FOUND.parent / WORDS).read_text()}
    units = []
    for number, case in enumerate(CASES):
        root = f"case_{number:03}"
        own = {**case.files, ENTRY: _runnable(case)}
        texts |= {f"{root}/{path}": text for path, text in own.items()}
        held = {f"{root}/{file.path}" for file in case.closure().files}
        units.append(Provable(f"{root}/{ENTRY}", frozenset({WORDS, *held} & texts.keys()), "then"))
    proof = _prove(folder, units, texts)
    found = {}
    for case, unit in zip(CASES, proof.units, strict=True):
        root = unit.path.removesuffix(ENTRY)
        found[case.kind] = _outcome(case, unit, proof, texts).replace(root, "")
    return found


def _runnable(case: ClosureCase) -> str:
    return f"from case_words import *; _dag = begin(__file__, {case.chosen!r})\n{case.files[ENTRY]}\n"


def _prove(folder: Path, units: list[Provable], texts: dict[str, str]) -> Proof:
    trees = ServedTrees(folder / "shared")
    files = {
        path: FileEntry(path, REGULAR, blob_id(t.encode()), len(t.encode())) for path, t in texts.items()
    }
    blobs = {blob_id(text.encode()): text.encode() for text in texts.values()}

    def build(name: str, wanted: dict[str, FileEntry]) -> Path:
        with trees.locked():
            trees.place(folder / name, wanted, lambda ids: ((i, blobs[i]) for i in ids), previous=None)
        return folder / name

    run = partial(run_files, limits=Limits(start=300, total=1200), bundle_name="prod")
    held = {path for unit in units for path in unit.files}
    return prove(
        units,
        [unit.path for unit in units],
        trees=Trees({}, {path: files[path] for path in held}, {"then": files}),
        build=build,
        run=run,
        run_in_candidate=run,
    )


def _outcome(case: ClosureCase, unit: FileProof, proof: Proof, texts: dict[str, str]) -> str:
    joined = [each for each in proof.joined if each.unit == unit.path]
    files = {
        path: FileEntry(path, REGULAR, blob_id(t.encode()), len(t.encode())) for path, t in texts.items()
    }
    if missing := _NOT_INSTALLED.search(unit.after.error):
        return f"not run: `{missing[1]}` is not installed where the tests run"
    if unit.after.error:
        return f"refused: {unit.after.error.strip().splitlines()[-1]}"
    if not unit.is_equal:
        return f"refused: {explain(unit, source=files, candidate=proof.files).splitlines()[0]}"
    if joined:
        return "; ".join(f"`{each.path}` joins ({each.reason})" for each in joined)
    held = {path.removeprefix(unit.path.removesuffix(ENTRY)) for path in proof.files}
    lacks = [need for need in case.needs if need not in held]
    return "nothing more: only a task reads it" if lacks else "nothing more"


def main() -> None:
    """Write what is found."""
    with tempfile.TemporaryDirectory() as folder:
        found = run_all(Path(folder))
    FOUND.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
