"""Each reason of a preflight in the words of people: what is wrong, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from airflow_release_plugin.domain.bundle.preflight import Reason


class Message(NamedTuple):
    """What is wrong, as a heading; and a sentence or two on what to do."""

    title: str
    next_step: str


def _(text: str) -> str:
    """Mark a text that pages translate."""
    return text


WORDS: Mapping[Reason, Message] = {
    Reason.MISSING_CONNECTION: Message(
        _("Connections that are not here"),
        _(
            "Create them, map them to connections that are here, or make placeholders and fill those in "
            "before the Dags run."
        ),
    ),
    Reason.MISSING_VARIABLE: Message(
        _("Variables that are not here"),
        _("Create them, map them to variables that are here, or make placeholders and fill those in."),
    ),
    Reason.MISSING_POOL: Message(
        _("Pools that are not here"),
        _("Create them, map them to pools that are here, or make placeholders, which have one slot."),
    ),
    Reason.INCOMPLETE_STUB: Message(
        _("Placeholders that nobody has filled in"),
        _("Fill them in and change their description; Dags that use them fail until then."),
    ),
    Reason.UNKNOWN_QUEUE: Message(
        _("Queues in which no task ran here lately"),
        _("Make sure that a worker listens to them, or map them: tasks would wait for ever."),
    ),
    Reason.MISSING_EXECUTOR: Message(
        _("Executors that are not configured here"),
        _("Add them to [core] executor: Airflow would refuse the Dags."),
    ),
    Reason.MISSING_PROVIDER: Message(
        _("Packages that are not installed here"),
        _("Install them wherever Dags are parsed and run, and restart Airflow."),
    ),
    Reason.OLDER_PROVIDER: Message(
        _("Packages that are older here"),
        _("Update them, or make sure that the Dags work with the older version."),
    ),
    Reason.MISSING_PLUGIN: Message(
        _("Modules that are not here"),
        _("Put them where they are there: in the folder of plugins, or in an installed package."),
    ),
    Reason.OPTIONAL_IMPORT: Message(
        _("Optional imports that are not here"),
        _(
            "Nothing to do if the code goes on without them, or imports them in an environment of its own; "
            "install them if a Dag is to use them here."
        ),
    ),
    Reason.MISSING_TEAM: Message(
        _("Teams that are not here"),
        _("Create them if this installation works with teams."),
    ),
    Reason.MISSING_UPSTREAM_DAG: Message(
        _("Dags that others of the bundle wait for are not here"),
        _("Export again with upstream Dags, or import and release them first."),
    ),
    Reason.MISSING_TRIGGERED_DAG: Message(
        _("Dags that others of the bundle start are not here"),
        _("Import and release them before the first run: it would fail."),
    ),
    Reason.MISSING_ASSET_PRODUCER: Message(
        _("Assets that nothing here produces"),
        _("Import the Dags that produce them, unless something outside of Airflow updates them."),
    ),
    Reason.ILLEGAL_DAG_ID: Message(
        _("Dag ids that this Airflow does not accept"),
        _("Rename the Dags where they come from, release and export them again."),
    ),
    Reason.DAG_ID_IN_OTHER_BUNDLE: Message(
        _("Dag ids that another bundle of this Airflow serves"),
        _("Rename the Dags, or take them out of that bundle: Airflow would switch between the two."),
    ),
    Reason.DAG_ID_OF_OTHER_UNIT: Message(
        _("Dag ids of Dags that live in another file here"),
        _(
            "If they are the same Dags, import with taking over; if not, rename the Dags, or retire those "
            "here first."
        ),
    ),
    Reason.OLDER_AIRFLOW: Message(
        _("Airflow is older here"),
        _("Update Airflow, or let [release] import_policy allow it if the Dags use nothing newer."),
    ),
    Reason.OLDER_PYTHON: Message(
        _("Python is older here"),
        _("Make sure that the Dags use nothing newer; the parse check of the release will tell most of it."),
    ),
    Reason.BAD_FOLDER: Message(
        _("The target folder cannot be used"),
        _("Choose a folder inside of the bundle, without '..' and without special characters."),
    ),
    Reason.CANNOT_MOVE: Message(
        _("Files that find their helpers only where they are"),
        _("Import without a target folder, or keep the Dags' folder as it is there."),
    ),
    Reason.PATH_TAKEN: Message(
        _("Paths that other files have here"),
        _("Choose another target folder, or rename the files on one of the two sides."),
    ),
    Reason.SHARED_FILE_DIFFERS: Message(
        _("Shared files that other Dags here use in another version"),
        _("Bring the Dags that share them in one bundle, or import into a folder of their own."),
    ),
    Reason.COMPUTED_NAME: Message(
        _("Mapped names that the code may also put together"),
        _("Look at these places: the mapping changes only names that stand there as they are."),
    ),
    Reason.IN_OPEN_RELEASE: Message(
        _("Dags that are in an open release here"),
        _("Wait for that release, or revoke it."),
    ),
    Reason.NOT_APPROVED_THERE: Message(
        _("Dags that nobody approved where they come from"),
        _("Read them with more care, and let people here approve them."),
    ),
    Reason.MISSING_BASE: Message(
        _("The bundle that this one builds on was not applied here"),
        _("Import that bundle first, or export everything instead of what has changed."),
    ),
    Reason.APPLIED_BEFORE: Message(
        _("This bundle was applied here before"),
        _("Discard it. To bring the same versions again, roll back here or export them anew."),
    ),
    Reason.UNCHANGED: Message(
        _("Dags that are the same here"),
        _("Nothing has to be done: they are left as they are."),
    ),
}
