"""Each reason of a preflight in the words of people: what is wrong, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from airflow_release_plugin.domain.bundle.preflight import Reason
from airflow_release_plugin.messages import Message


class ReasonWords(NamedTuple):
    """What is wrong, as a heading; and a sentence or two on what to do."""

    title: str
    next_step: str


WORDS: Mapping[Reason, ReasonWords] = {
    Reason.MISSING_CONNECTION: ReasonWords(
        Message("Connections that are not here"),
        Message(
            "Create them, map them to connections that are here, or make placeholders and fill those in "
            "before the Dags run."
        ),
    ),
    Reason.MISSING_VARIABLE: ReasonWords(
        Message("Variables that are not here"),
        Message("Create them, map them to variables that are here, or make placeholders and fill those in."),
    ),
    Reason.MISSING_POOL: ReasonWords(
        Message("Pools that are not here"),
        Message("Create them, map them to pools that are here, or make placeholders, which have one slot."),
    ),
    Reason.INCOMPLETE_STUB: ReasonWords(
        Message("Placeholders that nobody has filled in"),
        Message("Fill them in and change their description; Dags that use them fail until then."),
    ),
    Reason.UNKNOWN_QUEUE: ReasonWords(
        Message("Queues in which no task ran here lately"),
        Message("Make sure that a worker listens to them, or map them: tasks would wait for ever."),
    ),
    Reason.MISSING_EXECUTOR: ReasonWords(
        Message("Executors that are not configured here"),
        Message("Add them to [core] executor: Airflow would refuse the Dags."),
    ),
    Reason.MISSING_PROVIDER: ReasonWords(
        Message("Packages that are not installed here"),
        Message("Install them wherever Dags are parsed and run, and restart Airflow."),
    ),
    Reason.OLDER_PROVIDER: ReasonWords(
        Message("Packages that are older here"),
        Message("Update them, or make sure that the Dags work with the older version."),
    ),
    Reason.MISSING_PLUGIN: ReasonWords(
        Message("Modules that are not here"),
        Message("Put them where they are there: in the folder of plugins, or in an installed package."),
    ),
    Reason.OPTIONAL_IMPORT: ReasonWords(
        Message("Optional imports that are not here"),
        Message(
            "Nothing to do if the code goes on without them, or imports them in an environment of its own; "
            "install them if a Dag is to use them here."
        ),
    ),
    Reason.MISSING_TEAM: ReasonWords(
        Message("Teams that are not here"),
        Message("Create them if this installation works with teams."),
    ),
    Reason.MISSING_UPSTREAM_DAG: ReasonWords(
        Message("Dags that others of the bundle wait for are not here"),
        Message("Export again with upstream Dags, or import and release them first."),
    ),
    Reason.MISSING_TRIGGERED_DAG: ReasonWords(
        Message("Dags that others of the bundle start are not here"),
        Message("Import and release them before the first run: it would fail."),
    ),
    Reason.MISSING_ASSET_PRODUCER: ReasonWords(
        Message("Assets that nothing here produces"),
        Message("Import the Dags that produce them, unless something outside of Airflow updates them."),
    ),
    Reason.ILLEGAL_DAG_ID: ReasonWords(
        Message("Dag ids that this Airflow does not accept"),
        Message("Rename the Dags where they come from, release and export them again."),
    ),
    Reason.DAG_ID_IN_OTHER_BUNDLE: ReasonWords(
        Message("Dag ids that another bundle of this Airflow serves"),
        Message("Rename the Dags, or take them out of that bundle: Airflow would switch between the two."),
    ),
    Reason.DAG_ID_OF_OTHER_UNIT: ReasonWords(
        Message("Dag ids of Dags that live in another file here"),
        Message(
            "If they are the same Dags, import with taking over; if not, rename the Dags, or retire those "
            "here first."
        ),
    ),
    Reason.OLDER_AIRFLOW: ReasonWords(
        Message("Airflow is older here"),
        Message("Update Airflow, or let [release] import_policy allow it if the Dags use nothing newer."),
    ),
    Reason.OLDER_PYTHON: ReasonWords(
        Message("Python is older here"),
        Message(
            "Make sure that the Dags use nothing newer; the parse check of the release will tell most of it."
        ),
    ),
    Reason.BAD_FOLDER: ReasonWords(
        Message("The target folder cannot be used"),
        Message("Choose a folder inside of the bundle, without '..' and without special characters."),
    ),
    Reason.CANNOT_MOVE: ReasonWords(
        Message("Files that find their helpers only where they are"),
        Message("Import without a target folder, or keep the Dags' folder as it is there."),
    ),
    Reason.PATH_TAKEN: ReasonWords(
        Message("Paths that other files have here"),
        Message("Choose another target folder, or rename the files on one of the two sides."),
    ),
    Reason.SHARED_FILE_DIFFERS: ReasonWords(
        Message("Shared files that other Dags here use in another version"),
        Message("Bring the Dags that share them in one bundle, or import into a folder of their own."),
    ),
    Reason.COMPUTED_NAME: ReasonWords(
        Message("Mapped names that the code may also put together"),
        Message("Look at these places: the mapping changes only names that stand there as they are."),
    ),
    Reason.IN_OPEN_RELEASE: ReasonWords(
        Message("Dags that are in an open release here"),
        Message("Wait for that release, or revoke it."),
    ),
    Reason.NOT_APPROVED_THERE: ReasonWords(
        Message("Dags that nobody approved where they come from"),
        Message("Read them with more care, and let people here approve them."),
    ),
    Reason.MISSING_BASE: ReasonWords(
        Message("The bundle that this one builds on was not applied here"),
        Message("Import that bundle first, or export everything instead of what has changed."),
    ),
    Reason.APPLIED_BEFORE: ReasonWords(
        Message("This bundle was applied here before"),
        Message("Discard it. To bring the same versions again, roll back here or export them anew."),
    ),
    Reason.UNCHANGED: ReasonWords(
        Message("Dags that are the same here"),
        Message("Nothing has to be done: they are left as they are."),
    ),
}
