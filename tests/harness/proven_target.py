"""A target of a few DAG files that a dag processor has parsed, in the tree that our own bundle serves."""

from __future__ import annotations

from pathlib import Path

from airflow_release_plugin.bundles.release import ReleaseDagBundle
from tests.db.api.world import World
from tests.harness.manual_edits import beside

FILES = {
    # Follows the link to the tree of the commit, as half of all DAGs do.
    "steady.py": """
from pathlib import Path
from airflow.sdk import DAG
with DAG("steady", template_searchpath=str(Path(__file__).resolve().parent / "sql")):
    pass
""",
    "pair.py": """
from airflow.sdk import DAG
for name in ("north", "south"):
    with DAG(name, schedule="@daily"):
        pass
""",
    "hand.py": """
from airflow.sdk import DAG
with DAG("hand", schedule="0 0 * * *"):
    pass
""",
    "chance.py": """
import uuid
from airflow.sdk import DAG
with DAG("chance", description=str(uuid.uuid4())):
    pass
""",
}


def served_target(world: World, tmp_path: Path) -> ReleaseDagBundle:
    """Release the files and let Airflow serve them."""
    for path, text in FILES.items():
        world.write(path, text)
    world.parse()
    world.parse_pipelines()
    for path in FILES:
        world.released(path)
    return follow(world)


def follow(world: World) -> ReleaseDagBundle:
    """What a dag processor does: follow the branch, parse, store."""
    bundle = ReleaseDagBundle(name="prod")
    bundle.initialize()
    bundle.refresh()
    world.parse("prod", bundle.path.resolve().name, bundle.path)
    return bundle


def edit_behind(world: World, bundle: ReleaseDagBundle, path: str, old: str, new: str) -> None:
    """Change a served file by hand, and let the dag processor parse it."""
    text = (bundle.path / path).read_text()
    assert old in text
    beside(bundle.path.resolve() / path, text.replace(old, new))
    world.parse("prod", bundle.path.resolve().name, bundle.path)
