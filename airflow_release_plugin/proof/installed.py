"""What belongs to the Python that runs: its libraries, installed packages, what the system gives them."""

from __future__ import annotations

import json
import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import airflow_release_plugin
from airflow_release_plugin.proof import landlock
from airflow_release_plugin.proof.areas import is_below
from airflow_release_plugin.proof.observation import PrivateFolder

_IN_PREFIX = ("bin", "lib", "lib64", "libexec", "share", "include", "etc", "ssl", "pyvenv.cfg")
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"),
    *(f"/etc/{name}" for name in ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "os-release")),
    *(f"/etc/{name}" for name in ("localtime", "timezone", "locale.alias", "mime.types", "magic", "fonts")),
    *(f"/etc/{name}" for name in ("ssl", "pki", "ca-certificates", "crypto-policies", "gai.conf", "hosts")),
    *(
        f"/etc/{name}"
        for name in ("passwd", "group", "nsswitch.conf", "host.conf", "resolv.conf", "services")
    ),
    *(f"/etc/{name}" for name in ("protocols", "odbcinst.ini", "machine-id", "python3")),
    *(f"/proc/{name}" for name in ("self", "cpuinfo", "meminfo", "stat", "loadavg", "uptime", "version")),
    *(f"/proc/{name}" for name in ("filesystems", "mounts", "sys/kernel", "sys/vm", "sys/fs")),
    *("/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm"),
)
_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty"))
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - semaphores of multiprocessing


def packages() -> list[str]:
    """Folders whose whole content was installed, whatever else lies around them."""
    paths = sysconfig.get_paths()
    named = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    environment = _parts(sys.prefix) if sys.prefix != sys.base_prefix else ()
    return _real([*named, *environment, *site.getsitepackages(), site.getusersitepackages(), *_own()])


def others(extra: Iterable[str]) -> list[str]:
    """Further folders and files that may be read unless they are private: most are, or hold, packages."""
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    listed = [part for prefix in prefixes for part in _parts(prefix)]
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    named = [os.environ.get(name, "") for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
    plugins = os.environ.get("AIRFLOW__CORE__PLUGINS_FOLDER", "")
    given = [*listed, *sys.path, *_editable(), *libraries, *named, plugins, *extra, *_SYSTEM]
    return _real(path for path in given if os.path.isabs(path))


def without(private: Sequence[PrivateFolder], paths: Iterable[str]) -> list[str]:
    """``paths`` but for those that are private, or part of a bundle."""
    return [
        path
        for path in paths
        if not any(
            each.folder == path or (each.is_bundle and is_below(path, each.folder)) for each in private
        )
    ]


def rights(
    installed: Iterable[str], private: Sequence[PrivateFolder], scratch: str, tree: str
) -> Iterator[tuple[str, int]]:
    """What Landlock is to allow."""
    yield scratch, landlock.everything(landlock.abi())
    yield tree, landlock.READ
    for path in installed:
        yield from _readable(path, [each.folder for each in private])
    for path in _DEVICES:
        yield path, landlock.USE
    yield _SHARED_MEMORY, landlock.MAKE_NAMED


def _readable(path: str, private: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Rights can only be added: around a private folder, each of its neighbours is named instead."""
    inside = [folder for folder in private if is_below(folder, path)]
    if not inside:
        yield path, landlock.READ
    elif path not in inside:
        # Its list of files, too, or nothing in it could be imported.
        yield path, landlock.READ_DIR
        try:
            names = os.listdir(path)
        except OSError:
            return
        for name in names:
            yield from _readable(os.path.join(path, name), inside)


def _parts(prefix: str) -> list[str]:
    return [os.path.join(prefix, part) for part in _IN_PREFIX]


def _own() -> list[str]:
    return [str(Path(airflow_release_plugin.__file__).parent)]


def _editable() -> Iterator[str]:
    """Where packages lie that are installed as a link to where they are developed."""
    for finder in (*sys.meta_path, *sys.path_hooks):
        module = sys.modules.get(getattr(finder, "__module__", ""))
        mapping = getattr(module, "MAPPING", None)
        yield from (path for path in (mapping or {}).values() if isinstance(path, str))
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for note in Path(folder).glob("*.dist-info/direct_url.json"):
            try:
                found = json.loads(note.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if found.get("dir_info", {}).get("editable"):
                yield unquote(urlsplit(found.get("url", "")).path)


def _real(paths: Iterable[str]) -> list[str]:
    """Without links and doubles; what does not exist is left out."""
    return list(dict.fromkeys(os.path.realpath(path) for path in paths if path and os.path.exists(path)))
