"""Functions of Python, Airflow and others that give paths, names or containers."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable

from airflow_release_plugin.analysis.evaluation.containers import elements
from airflow_release_plugin.analysis.evaluation.protocols import Evaluates
from airflow_release_plugin.analysis.evaluation.scopes import CodeScope
from airflow_release_plugin.analysis.evaluation.text import combined
from airflow_release_plugin.analysis.evaluation.values import (
    ANYTHING,
    ELSEWHERE,
    NOT_LOCAL,
    PLACE,
    ROOT,
    UNKNOWN,
    Class,
    Function,
    Listing,
    Mapping,
    Module,
    Sequence,
    Value,
    Values,
    is_known,
    joined_paths,
    merged,
    text_of,
)

Rule = Callable[[Evaluates, ast.Call, CodeScope], Values]

_NAMES: dict[str, Values] = {
    "os.sep": ("/",),
    "os.path.sep": ("/",),
    "os.curdir": (".",),
    "os.pardir": ("..",),
    "os.environ[]": (PLACE,),
    "airflow.settings.DAGS_FOLDER": (PLACE,),
    "airflow.settings.AIRFLOW_HOME": (PLACE,),
    "airflow.configuration.AIRFLOW_HOME": (PLACE,),
    "airflow.configuration.conf[]": (PLACE,),
    "sys.argv[]": (PLACE,),
}
NAMED = frozenset(name.rpartition(".")[2] for name in _NAMES)
"""Last parts of these names."""
_PATHS = {"Path", "PurePath", "PosixPath", "PurePosixPath"}
_SAME = {
    *("str", "os.fspath", "fspath", "os.path.expanduser", "expanduser", "os.path.expandvars", "os.fsdecode"),
    *("sorted", "list", "tuple", "set", "frozenset", "iter", "reversed", "dict.fromkeys", "OrderedDict"),
    *("copy.copy", "copy.deepcopy", "collections.OrderedDict", "importlib.resources.as_file", "as_file"),
    *("natsorted", "sum", "contextlib.closing", "closing", "more_itertools.flatten"),
}
_NORMAL = {"os.path.abspath", "abspath", "os.path.realpath", "realpath", "os.path.normpath", "normpath"}
_RESOURCES = ("importlib.resources.", "importlib_resources.", "resources.")
_FROM_ENVIRONMENT = {"os.environ.get", "os.getenv", "getenv", "environ.get"}
_NOT_LOCAL = (
    *("tempfile.", "requests.", "httpx.", "boto3.", "shutil.", "datetime.", "pendulum.", "uuid.", "io."),
    *("pandas.", "pd.", "subprocess.", "urllib.", "time.", "random.", "hashlib.", "socket.", "logging."),
)


def known_name(dotted: str) -> Values:
    """What a dotted name stands for; nothing if it is none of those that matter."""
    return _NAMES.get(dotted, ())


def call_known(ev: Evaluates, dotted: str, node: ast.Call, scope: CodeScope) -> Values | None:
    """What a call of a function with this full name gives; ``None`` for functions that are not known here."""
    rule = _RULES.get(dotted)
    if rule is None and dotted.startswith("posixpath."):
        rule = _RULES.get(f"os.path.{dotted.removeprefix('posixpath.')}")
    if rule is None and dotted.startswith(_RESOURCES):
        rule = _RULES.get(f"resources.{dotted.rpartition('.')[2]}")
    if rule is not None:
        return rule(ev, node, scope)
    return NOT_LOCAL if dotted.startswith(_NOT_LOCAL) else None


def _all(ev: Evaluates, node: ast.Call, scope: CodeScope) -> list[Values]:
    """The positional arguments; a starred list gives as many as it has."""
    found: list[Values] = []
    for item in node.args:
        values = ev(item, scope)
        if not isinstance(item, ast.Starred):
            found.append(values)
        elif len(values) == 1 and isinstance(values[0], Sequence):
            found.extend(values[0].items)
        else:
            found.append(ANYTHING)
    return found


def given(ev: Evaluates, node: ast.Call, scope: CodeScope, index: int, *names: str) -> Values:
    """One argument by position or name; empty if it is not given."""
    for keyword in node.keywords:
        if keyword.arg in names:
            return ev(keyword.value, scope)
    found = _all(ev, node, scope)
    return found[index] if index < len(found) else ()


def _join(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    parts = _all(ev, node, scope)
    return combined(parts, joined_paths) if parts else (".",)


def _same(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    return ev(node.args[0], scope) if node.args else (Sequence(()),)


def _by_text(change: Callable[[str], Value]) -> Rule:
    def rule(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
        values = given(ev, node, scope, 0, "path")
        return merged((change(value),) if isinstance(value, str) else ANYTHING for value in values)

    return rule


def _split(text: str) -> Value:
    head, tail = posixpath.split(text)
    return Sequence(((head,), (tail,)))


def _splitext(text: str) -> Value:
    head, tail = posixpath.splitext(text)
    return Sequence(((head,), (tail,)))


def _place(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    return (PLACE,)


def _environment(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    default = given(ev, node, scope, 1, "default")
    return merged([default, (PLACE,)])


def _configuration(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    return merged([given(ev, node, scope, 99, "fallback"), (PLACE,)])


def _variable(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    default = given(ev, node, scope, 1, "default_var", "default")
    return merged([tuple(value for value in default if value is not None), (PLACE,)])


def _listing(form: str) -> Rule:
    def rule(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
        folders = given(ev, node, scope, 0, "path", "top", "pathname")
        below = given(ev, node, scope, 99, "root_dir") if form == "glob" else ()
        if below:
            folders = combined([below, folders], joined_paths)
        return tuple(Listing(text_of(folder), form) for folder in folders or (".",))

    return rule


def package_folder(ev: Evaluates, value: Value, scope: CodeScope) -> str:
    """Path of the folder of a package, given as module or by its name."""
    name = value.name if isinstance(value, Module) else text_of(value)
    if not name or UNKNOWN in name:
        return UNKNOWN
    return f"{ROOT}/{ev.modules.folder(name)}".rstrip("/")


def _package(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    packages = given(ev, node, scope, 0, "package", "anchor", "package_or_requirement")
    return tuple(package_folder(ev, package, scope) for package in packages) or ANYTHING


def _resource(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    parts = _all(ev, node, scope)[1:] or [given(ev, node, scope, 1, "resource", "name", "resource_name")]
    return combined([_package(ev, node, scope), *(part or ANYTHING for part in parts)], joined_paths)


def _package_loader(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    below = given(ev, node, scope, 1, "package_path") or ("templates",)
    return combined([_package_name(ev, node, scope), below], joined_paths)


def _package_name(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    return (
        tuple(package_folder(ev, value, scope) for value in given(ev, node, scope, 0, "package_name"))
        or ANYTHING
    )


def _own_file(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    found: list[Values] = []
    for value in ev(node.args[0], scope) if node.args else ():
        if isinstance(value, Module):
            found.append(ev.attribute(value, "__file__", scope))
        elif isinstance(value, (Class, Function)):
            found.append((f"{ROOT}/{value.scope.module.path}",))
    return merged(found) if found else (f"{ROOT}/{scope.module.path}",)


def _stack(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    return (Sequence(((f"{ROOT}/{scope.module.path}",),)),)


def _module(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    names = given(ev, node, scope, 0, "name")
    return tuple(Module(value) if is_known(value) else UNKNOWN for value in names) or ANYTHING


def _enumerate(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    inner = elements(ev(node.args[0], scope)) if node.args else ANYTHING
    return (Sequence(((Sequence((ANYTHING, inner)),),)),)


def _zip(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    columns = _all(ev, node, scope)
    if all(len(column) == 1 and isinstance(column[0], Sequence) for column in columns):
        rows = zip(*(column[0].items for column in columns), strict=False)
        return (Sequence(tuple((Sequence(row),) for row in rows)),)
    return (Sequence(((Sequence(tuple(elements(column) for column in columns)),),)),)


def _product(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    return (Sequence(((Sequence(tuple(elements(column) for column in _all(ev, node, scope))),),)),)


def _chain(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    return (Sequence((merged(elements(column) for column in _all(ev, node, scope)),)),)


def _range(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    bounds = [
        values[0] for values in _all(ev, node, scope) if len(values) == 1 and isinstance(values[0], int)
    ]
    if len(bounds) != len(node.args) or not 1 <= len(bounds) <= 3 or (len(bounds) == 3 and not bounds[2]):
        return ANYTHING
    numbers = range(*bounds)
    return (Sequence(tuple((number,) for number in numbers)),) if len(numbers) <= 200 else ANYTHING


def _dict(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    pairs = tuple((keyword.arg, ev(keyword.value, scope)) for keyword in node.keywords if keyword.arg)
    first = ev(node.args[0], scope) if node.args else ()
    start = next((value for value in first if isinstance(value, Mapping)), Mapping(()))
    return (Mapping((*start.items, *pairs), start.others),)


def _map(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    return (Sequence((ANYTHING,)),) if len(node.args) < 2 else ev(node.args[1], scope)


def _filter(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    return ev(node.args[1], scope) if len(node.args) == 2 else ANYTHING


def _command(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    lists = ev(node.args[0], scope) if node.args else ()
    return merged(combined(one.items, " ".join) if isinstance(one, Sequence) else ANYTHING for one in lists)


def _elsewhere(ev: Evaluates, node: ast.Call, scope: CodeScope) -> Values:
    return (ELSEWHERE,)


_RULES: dict[str, Rule] = {
    **dict.fromkeys([*_PATHS, *(f"pathlib.{name}" for name in _PATHS)], _join),
    **dict.fromkeys(["os.path.join", "path.join", "osp.join", "join"], _join),
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys(_NORMAL, _by_text(posixpath.normpath)),
    **dict.fromkeys(
        ["os.path.dirname", "dirname", "path.dirname", "osp.dirname"], _by_text(posixpath.dirname)
    ),
    **dict.fromkeys(["os.path.basename", "basename"], _by_text(posixpath.basename)),
    **dict.fromkeys(["os.path.split", "path.split"], _by_text(_split)),
    **dict.fromkeys(["textwrap.dedent", "dedent", "inspect.cleandoc", "cleandoc", "shlex.quote"], _same),
    **dict.fromkeys(["os.path.splitext", "splitext"], _by_text(_splitext)),
    **dict.fromkeys(
        ["os.getcwd", "getcwd", "Path.cwd", "pathlib.Path.cwd", "Path.home", "pathlib.Path.home"], _place
    ),
    **dict.fromkeys(["airflow.configuration.get_airflow_home", "get_airflow_home"], _place),
    **dict.fromkeys(_FROM_ENVIRONMENT, _environment),
    **dict.fromkeys(
        ["airflow.configuration.conf.get", "conf.get", "conf.get_mandatory_value"], _configuration
    ),
    **dict.fromkeys(
        [
            f"{where}Variable.get"
            for where in ("", "airflow.models.", "airflow.sdk.", "airflow.models.variable.")
        ],
        _variable,
    ),
    **dict.fromkeys(["os.listdir", "listdir"], _listing("name")),
    **dict.fromkeys(["os.scandir", "scandir"], _listing("path")),
    **dict.fromkeys(["os.walk", "walk"], _listing("walk")),
    **dict.fromkeys(["glob.glob", "glob.iglob", "iglob", "glob"], _listing("glob")),
    **dict.fromkeys(["resources.files", "files"], _package),
    **dict.fromkeys(
        [
            *(
                "pkgutil.get_data",
                "get_data",
                "pkg_resources.resource_filename",
                "pkg_resources.resource_string",
            ),
            *("pkg_resources.resource_stream", "pkg_resources.resource_listdir", "resource_filename"),
            *(
                f"resources.{n}"
                for n in ("read_text", "read_binary", "open_text", "open_binary", "path", "contents")
            ),
        ],
        _resource,
    ),
    **dict.fromkeys(
        ["jinja2.PackageLoader", "PackageLoader", "jinja2.loaders.PackageLoader"], _package_loader
    ),
    **dict.fromkeys(
        ["inspect.getfile", "inspect.getsourcefile", "inspect.getabsfile", "getfile", "getsourcefile"],
        _own_file,
    ),
    **dict.fromkeys(
        ["importlib.import_module", "import_module", "importlib.util.find_spec", "find_spec"], _module
    ),
    "shlex.join": _command,
    "inspect.stack": _stack,
    "inspect.currentframe": _own_file,
    "sys._getframe": _own_file,
    **dict.fromkeys(["string.Template", "Template", "fnmatch.filter"], _same),
    "enumerate": _enumerate,
    **dict.fromkeys(["zip", "itertools.zip_longest"], _zip),
    **dict.fromkeys(["itertools.product", "product"], _product),
    **dict.fromkeys(["itertools.chain", "chain"], _chain),
    "range": _range,
    "dict": _dict,
    "map": _map,
    "filter": _filter,
    **dict.fromkeys(["open", "get_current_context", "airflow.sdk.get_current_context", "input"], _elsewhere),
}
