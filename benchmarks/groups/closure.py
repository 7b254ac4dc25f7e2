"""What belongs to each DAG file, and what it refers to, found from the text; beside parsing that text."""

from __future__ import annotations

import ast
import time
from pathlib import Path

from benchmarks.frame.bench import Bench
from benchmarks.frame.files import write_repository
from benchmarks.frame.rows import Goal, Row, RowGroup
from benchmarks.frame.samples import Sample, taken, timed
from benchmarks.frame.stages import scratch
from benchmarks.groups.source import SETTLED_SECONDS

FILES = 5_000
MAX_FILE_BYTES = 1 << 20
_PARSE = "`ast.parse` of all Python files"
_COLD = Row(
    f"closure and references at first: {FILES} files",
    Goal(ratio=0.5),
    FILES,
    peer=_PARSE,
    rounds=3,
    why_few="each takes a quarter of a minute",
    note="Every file is read, hashed, parsed and looked through for what it imports, opens and names.",
)
_CACHED = Row(
    f"closure and references again: {FILES} files",
    Goal(ratio=20),
    FILES,
    peer=_PARSE,
    rounds=3,
    why_few="the peer takes seconds",
)
ROWS = (_COLD, _CACHED)


class Analysis:
    """What a server process remembers of files between requests."""

    def __init__(self, root: Path) -> None:
        from airflow_release_plugin.analysis.closure_memo import ClosureMemo
        from airflow_release_plugin.analysis.source_files import AnalysisCache

        self.root = root
        self.cache = AnalysisCache()
        self.memo = ClosureMemo()

    def look(self) -> None:
        """What a request finds out about every DAG file."""
        from airflow_release_plugin.analysis.closure import ClosureOptions
        from airflow_release_plugin.analysis.references import find_references
        from airflow_release_plugin.analysis.source_files import FolderFiles

        files = FolderFiles(self.root, max_file_bytes=MAX_FILE_BYTES, cache=self.cache)
        for path in sorted(self.root.glob("team_*/dag_*.py")):
            entry = path.relative_to(self.root).as_posix()
            closure = self.memo.closure(files, entry, options=ClosureOptions())
            assert len(closure.files) > 1, closure
            files.derive(find_references, entry)


def parse_all(root: Path) -> None:
    """What cannot be less for whoever wants to know what Python files say."""
    for path in root.rglob("*.py"):
        ast.parse(path.read_bytes())


def measure(bench: Bench) -> None:
    """Both rows on the same files."""
    if not bench.wants(*ROWS):
        return
    with scratch("closure") as folder:
        write_repository(folder, FILES)
        time.sleep(SETTLED_SECONDS)

        def look_at_first() -> Sample:
            return taken(Analysis(folder).look)

        parse = timed(lambda: parse_all(folder))
        bench.alternate(_COLD, ours=look_at_first, peer=parse)
        known = Analysis(folder)
        known.look()
        bench.alternate(_CACHED, ours=timed(known.look), peer=parse)


GROUP = RowGroup("closure", "what belongs to a unit, and what it refers to", ROWS, measure, minutes=5)
