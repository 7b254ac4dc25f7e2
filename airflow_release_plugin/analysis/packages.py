"""Which installed packages modules belong to."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import metadata

_PROVIDERS = "airflow.providers."
_OWN = frozenset({"airflow", "airflow_release_plugin"})


def required_packages(modules: Iterable[str]) -> dict[str, str]:
    """Names and versions of the installed packages that these modules belong to; without Airflow's own."""
    found: dict[str, str] = {}
    for module in modules:
        for name in _distributions(module):
            version = _version(name)
            if version:
                found[name] = version
                break
    return dict(sorted(found.items()))


def strange_modules(modules: Iterable[str]) -> set[str]:
    """Top-level modules that belong to no installed package: those of a plugins folder, say."""
    tops = {module.partition(".")[0] for module in modules}
    return {
        top
        for top in tops
        if top not in sys.stdlib_module_names and top not in _OWN and top not in _by_module()
    }


def _distributions(module: str) -> Iterator[str]:
    if module.startswith(_PROVIDERS):
        parts = module.removeprefix(_PROVIDERS).split(".")
        for length in range(min(len(parts), 3), 0, -1):
            yield f"apache-airflow-providers-{'-'.join(parts[:length])}".replace("_", "-")
        return
    top = module.partition(".")[0]
    if top not in sys.stdlib_module_names and top not in _OWN:
        yield from sorted(_by_module().get(top, ()))


@lru_cache(maxsize=1)
def _by_module() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())


@lru_cache(maxsize=1024)
def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
