"""The values for the Helm chart, as far as they can be judged without a cluster."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import datetime, timezone
from functools import reduce
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml
from airflow.configuration import conf

from airflow_release_plugin import config
from airflow_release_plugin.config import SETTINGS
from airflow_release_plugin.transfer.keys import KeyFolder
from demo.settings import DemoSettings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "helm"
VALUES: dict[str, Any] = yaml.safe_load((FOLDER / "values.yaml").read_text())
KEYS: dict[str, Any] = yaml.safe_load((FOLDER / "keys.yaml").read_text())
NODE_CACHE: dict[str, Any] = yaml.safe_load((FOLDER / "node-cache.yaml").read_text())
HOW_TO = (ROOT / "docs" / "how-to" / "kubernetes.md").read_text()
# What gives away or forges what only Airflow's own servers may: its database, its tokens, its sessions.
SERVERS_ONLY = re.compile(r"SQL_ALCHEMY|AIRFLOW_DB|FERNET|JWT|API__SECRET|metadata|fernet|jwt|api_secret")


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Values as Helm merges files of them."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        result[key] = merged(base[key], value) if both else value
    return result


def pod_of_a_task(values: dict[str, Any]) -> dict[str, Any]:
    """The template of task pods, rendered with values; the chart's helpers get a name."""

    def value(path: str) -> Any:
        return reduce(lambda found, key: found.get(key, {}), path.removeprefix(".Values.").split("."), values)

    def block(match: re.Match[str]) -> str:
        return match[2].replace("toYaml .", f"toYaml {match[1]}") if value(match[1]) else ""

    def as_yaml(match: re.Match[str]) -> str:
        return "\n" + indent(yaml.safe_dump(value(match[1])).rstrip(), " " * int(match[2]))

    text = re.sub(
        r"^ *\{\{- with (\S+) \}\}\n(.*?)^ *\{\{- end \}\}\n", block, values["podTemplate"], flags=re.M | re.S
    )
    text = re.sub(r"\s*\{\{- toYaml (\S+) \| nindent (\d+) \}\}", as_yaml, text)
    rendered: dict[str, Any] = yaml.safe_load(re.sub(r"\{\{.*?\}\}", "from-the-chart", text))
    return rendered


@pytest.mark.req("R85")
def test_several_api_servers_run_and_never_all_are_taken_away() -> None:
    server = VALUES["apiServer"]

    assert server["replicas"] >= 2
    assert server["podDisruptionBudget"] == {"enabled": True, "config": {"maxUnavailable": 1}}


@pytest.mark.req("R85")
def test_no_part_shares_a_volume_with_another() -> None:
    text = json.dumps(VALUES)

    assert re.findall(r"hostPath|persistentVolumeClaim|existingClaim|gitSync|persistence", text) == []
    assert [key for key in ("volumes", "volumeMounts", "logs", "dags") if key in VALUES] == []


@pytest.mark.req("R86")
def test_pods_of_tasks_know_neither_the_database_nor_a_key() -> None:
    pod = pod_of_a_task(VALUES)
    (task,) = pod["spec"]["containers"]

    assert task["name"] == "base"  # which Airflow looks for
    assert [entry["name"] for entry in task["env"] if SERVERS_ONLY.search(json.dumps(entry))] == []
    assert "envFrom" not in task
    assert "standard_airflow_environment" not in VALUES["podTemplate"]
    assert [volume for volume in pod["spec"]["volumes"] if set(volume) - {"name", "configMap"}] == []


def test_pods_of_tasks_have_the_connections_that_everybody_has() -> None:
    (task,) = pod_of_a_task(VALUES)["spec"]["containers"]
    given = {
        entry["name"]: entry["valueFrom"]["secretKeyRef"] for entry in task["env"] if "valueFrom" in entry
    }

    assert given == {
        entry["envName"]: {"name": entry["secretName"], "key": entry["secretKey"]}
        for entry in VALUES["secret"]
    }
    assert "AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT" in given
    bundles = {each["name"]: each["kwargs"] for each in VALUES["dagProcessor"]["dagBundleConfigList"]}
    assert f"AIRFLOW_CONN_{bundles['dev']['git_conn_id'].upper()}" in given


def test_it_serves_the_released_code_as_the_demo_does(tmp_path: Path) -> None:
    demo = DemoSettings(home=tmp_path, port=1)
    demo.prepare()
    listed = json.loads(demo.environment()["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    expected = {bundle["name"]: bundle["classpath"] for bundle in listed}
    found = {each["name"]: each["classpath"] for each in VALUES["dagProcessor"]["dagBundleConfigList"]}

    assert found.keys() == expected.keys()
    assert {name for name in found if found[name] != expected[name]} == {"dev"}  # a folder cannot travel


def test_every_setting_is_one_that_exists() -> None:
    for section, options in VALUES["config"].items():
        known = SETTINGS if section == "release" else conf.configuration_description[section]["options"]
        assert options.keys() <= known.keys(), section


def test_passwords_and_keys_come_from_secrets_that_the_how_to_makes() -> None:
    named = {VALUES["data"]["metadataSecretName"], *(entry["secretName"] for entry in VALUES["secret"])}
    named |= {VALUES[key] for key in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName")}

    named |= {
        volume["secret"]["secretName"] for volume in KEYS["apiServer"]["extraVolumes"] if "secret" in volume
    }

    assert set(re.findall(r"create secret generic (\S+)", HOW_TO)) == named
    assert VALUES["postgresql"] == {"enabled": False}
    assert VALUES["createUserJob"] == {"enabled": False}  # whose password would be "admin"
    assert re.findall(r"(?i)password\w*:\s", (FOLDER / "values.yaml").read_text()) == []


def test_the_image_is_of_the_airflow_that_is_pinned() -> None:
    pinned = re.findall(r"^apache-airflow==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)

    assert [VALUES["airflowVersion"]] == [VALUES["defaultAirflowTag"]] == pinned


def test_the_service_user_is_the_one_that_tasks_log_in_as() -> None:
    (connection,) = re.findall(
        r"--from-literal=connection='(\{\"conn_type\": \"airflow_release\".*?\})'", HOW_TO
    )

    assert json.loads(connection)["login"] == VALUES["config"]["release"]["service_users"]


@pytest.mark.req("R86")
def test_the_cache_of_a_node_is_where_task_pods_keep_versions() -> None:
    pod = pod_of_a_task(merged(VALUES, NODE_CACHE))["spec"]
    (volume,) = [volume for volume in pod["volumes"] if "hostPath" in volume]
    mounts = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == volume["name"]]

    assert [mount["mountPath"] for mount in mounts] == [
        VALUES["config"]["dag_processor"]["dag_bundle_storage_path"]
    ]
    (owner,) = pod["initContainers"]
    assert [mount["name"] for mount in owner["volumeMounts"]] == [volume["name"]]
    assert owner["securityContext"] == {"runAsUser": 0}


def test_each_api_server_lays_out_the_keys_of_the_secret_so_that_they_can_be_used(tmp_path: Path) -> None:
    made = KeyFolder(tmp_path / "made")
    public_key = made.generate().public_key
    made.trust("plant A", public_key, valid_from=datetime(2026, 1, 1, tzinfo=timezone.utc))
    secret = tmp_path / "secret"
    secret.mkdir()
    for file in (made.signing_file, *(made.path / "trusted").glob("*.json")):
        (secret / file.name).write_bytes(file.read_bytes())
    server = KEYS["apiServer"]
    (init,) = server["extraInitContainers"]
    folders = {mount["name"]: mount["mountPath"] for mount in init["volumeMounts"]}
    volume = tmp_path / "volume"
    volume.mkdir()
    configured = KEYS["config"]["release"][config.keys_path.name]
    script = init["command"][2].replace(folders["keys-secret"], str(secret))

    subprocess.run(["bash", "-ec", script.replace(folders["keys"], str(volume))], check=True)

    laid_out = KeyFolder(volume / Path(configured).relative_to(folders["keys"]))
    assert laid_out.signing_key().public_key == public_key
    assert [key.name for key in laid_out.trusted()] == ["plant A"]
    assert {
        mount["name"]: mount["mountPath"] for mount in server["extraVolumeMounts"]
    }.items() <= folders.items()


def test_the_cache_is_the_only_thing_that_its_file_changes() -> None:
    assert NODE_CACHE.keys() == {"workers"}
    assert NODE_CACHE["workers"]["kubernetes"].keys() == {
        "extraVolumes",
        "extraVolumeMounts",
        "extraInitContainers",
    }
