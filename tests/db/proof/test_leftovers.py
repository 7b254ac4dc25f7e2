from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.running import run_files

BASH = "from airflow.providers.standard.operators.bash import BashOperator\n"
CONTEXT = "from airflow.sdk.definitions._internal.contextmanager import DagContext\n"
DAG = "from airflow.sdk import DAG\nDAG({id!r})\n"
LEFT = {
    "a function": (
        "import json\njson.helper = lambda: 1\n",
        "import json\nassert not hasattr(json, 'helper')\n",
    ),
    "a broken package": ("import json\njson.dumps = None\n", "import json\njson.dumps({})\n"),
    "template fields": (
        BASH + "BashOperator.template_fields = ()\n",
        BASH + "assert BashOperator.template_fields\n",
    ),
    "a built-in": (
        "import builtins\nbuiltins.helper = 1\n",
        "try: helper\nexcept NameError: pass\nelse: 1 / 0\n",
    ),
    "a patch": (
        "from unittest import mock\nmock.patch('time.sleep').start()\n",
        "import time\nassert type(time.sleep).__name__ == 'builtin_function_or_method'\n",
    ),
    "a constructor": (
        "import yaml\nyaml.SafeLoader.add_constructor('!x', lambda *_: 1)\n",
        "import yaml\nassert '!x' not in yaml.SafeLoader.yaml_constructors\n",
    ),
    "a filter of a package": (
        "from jinja2 import defaults\ndefaults.DEFAULT_FILTERS['mine'] = str\n",
        "from jinja2 import defaults\nassert 'mine' not in defaults.DEFAULT_FILTERS\n",
    ),
    "a stand-in": (
        "import sys, types\nsys.modules['airflow.x'] = types.ModuleType('airflow.x')\n",
        "try: import airflow.x\nexcept ImportError: pass\nelse: 1 / 0\n",
    ),
    "a part of a package": (
        "import xml.dom.minidom\n",
        "import xml\nassert not hasattr(xml, 'dom') or not hasattr(xml.dom, 'minidom')\n",
    ),
    "an option": (
        "from airflow.sdk.configuration import conf\nconf.set('core', 'x', 'y')\n",
        "from airflow.sdk.configuration import conf\nassert not conf.has_option('core', 'x')\n",
    ),
    "an open DAG": (
        "from airflow.sdk import DAG\nDAG('open').__enter__()\n",
        CONTEXT + "assert not DagContext.get_current()\n",
    ),
    "a precision": (
        "import decimal\ndecimal.getcontext().prec = 3\n",
        "import decimal\nassert decimal.getcontext().prec > 3\n",
    ),
    "a time zone": (
        "import os, time\nos.environ['TZ'] = 'Asia/Tokyo'\ntime.tzset()\n",
        "import time\nassert time.tzname[0] != 'JST'\n",
    ),
    "chance": (
        "import random\nrandom.seed(7)\n",
        "import random\nassert random.random() != 0.32383276483316237\n",
    ),
    "a thread": (
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n",
        "import threading\nassert threading.active_count() == 1\n",
    ),
    "a file": ("open('left.json', 'w').close()\n", "import os\nassert not os.path.exists('left.json')\n"),
    "no working directory": (
        "import os\nos.rmdir(os.getcwd())\n",
        "import os\nassert os.listdir('.') == []\n",
    ),
    "no temporary files": (
        "import os\nos.rmdir(os.environ['TMPDIR'])\n",
        "import tempfile\ntempfile.TemporaryFile()\n",
    ),
}


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What went wrong in one run: files that leave something, each before the one that looks for it."""
    tree = tmp_path_factory.mktemp("tree")
    names = []
    for number, codes in enumerate(LEFT.values()):
        for name, code in zip((f"leaves_{number}", f"looks_{number}"), codes, strict=True):
            (tree / f"{name}.py").write_text(code + DAG.format(id=name))
            names.append(f"{name}.py")
    return {file.path: file.error for file in run_files(tree, names).files}


@pytest.mark.parametrize("what", LEFT)
def test_a_file_finds_nothing_of_the_one_before(errors: dict[str, str], what: str) -> None:
    number = [*LEFT].index(what)

    assert (errors[f"leaves_{number}.py"], errors[f"looks_{number}.py"]) == ("", "")


def test_a_file_that_needs_what_another_leaves_fails_behind_it_too(tmp_path: Path) -> None:
    (tmp_path / "patches.py").write_text("import json\njson.helper = lambda: 1\n")
    (tmp_path / "reads.py").write_text("import json\njson.helper()\n")

    found = {file.path: file.error for file in run_files(tmp_path, ["patches.py", "reads.py"]).files}

    assert "has no attribute 'helper'" in found["reads.py"]
    assert found["patches.py"] == ""
