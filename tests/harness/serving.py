"""A machine that serves what was released, and hands that edit there."""

from __future__ import annotations

from collections.abc import Callable

from airflow_release_plugin.bundles.release import ReleaseDagBundle

Serve = Callable[..., ReleaseDagBundle]
"""Lets this machine serve what the environment is at now, or a version."""
