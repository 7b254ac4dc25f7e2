"""Something else stands where a bundle keeps what it serves: a backup came back, or folders were moved."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_release_plugin.bundles.release import ReleaseDagBundle
from airflow_release_plugin.domain.tree.paths import MANIFEST
from tests.unit.bundles.test_release import ONE, TWO, Site, files_of, site

__all__ = ["site"]  # a fixture
pytestmark = pytest.mark.req("R76")


def dangling(path: Path) -> None:
    shutil.rmtree(path)
    path.symlink_to("a disk that is away")


def file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_bytes(b"")


def with_a_folder_for_its_list(path: Path) -> None:
    (path / MANIFEST).unlink()
    (path / MANIFEST).mkdir()


def with_a_file_for_a_folder(path: Path) -> None:
    shutil.rmtree(path / "lib")
    (path / "lib").write_bytes(b"")


MISPLACED = [dangling, file, with_a_folder_for_its_list, with_a_file_for_a_folder]


@pytest.mark.parametrize("misplace", MISPLACED)
def test_a_version_comes_again_in_the_place_of_something_else(
    site: Site, misplace: Callable[[Path], None]
) -> None:
    bundle = site.serving(site.promote(ONE))
    misplace(bundle.path)

    assert files_of(site.serving(bundle.version).path) == ONE


@pytest.mark.parametrize("misplace", MISPLACED)
def test_so_does_what_the_environment_is_at(site: Site, misplace: Callable[[Path], None]) -> None:
    site.promote(ONE)
    bundle = site.serving()
    misplace(bundle.path.resolve())

    assert files_of(site.serving().path) == ONE


def copied(bundle: ReleaseDagBundle) -> None:
    """As a copy that follows links leaves it."""
    shutil.copytree(bundle.current, bundle.base_dir / "copy")
    bundle.current.unlink()
    (bundle.base_dir / "copy").rename(bundle.current)


def emptied(bundle: ReleaseDagBundle) -> None:
    bundle.current.unlink()
    bundle.current.mkdir()


def circle(bundle: ReleaseDagBundle) -> None:
    bundle.current.unlink()
    bundle.current.symlink_to("current")


@pytest.mark.parametrize("misplace", [copied, emptied, circle])
def test_what_is_followed_is_a_link_again(site: Site, misplace: Callable[[ReleaseDagBundle], None]) -> None:
    site.promote(ONE)
    bundle = site.serving()
    misplace(bundle)
    site.promote(TWO)

    again = site.serving()

    assert again.current.is_symlink()
    assert files_of(again.path) == {**ONE, **TWO}


def test_an_old_tree_that_lies_elsewhere_by_now_is_left_alone(site: Site, tmp_path: Path) -> None:
    """Somebody made room on the disk, and put a link into the place of a tree that is served no longer."""
    site.promote(ONE)
    bundle = site.serving()
    first = bundle.path.resolve()
    site.promote(TWO)
    bundle.refresh()
    elsewhere = tmp_path / "elsewhere"
    first.rename(elsewhere)
    (elsewhere / "of somebody else.txt").write_bytes(b"")
    before = files_of(elsewhere)
    first.symlink_to(elsewhere)
    site.promote({"lib/names.py": b"NAME = 'three'\n"})

    bundle.refresh()

    assert files_of(elsewhere) == before
    assert not bundle.path.resolve().is_symlink()
    assert bundle.path.resolve().parent == first.parent
