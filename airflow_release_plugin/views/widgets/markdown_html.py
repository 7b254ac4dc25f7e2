"""Markdown that people write, as HTML that can do nothing: no HTML of their own, no images, plain links."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup


@cache
def _renderer() -> MarkdownIt:
    # Links of other schemes than http(s) and mailto are left as text by markdown-it itself.
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).disable("image").enable("table")


def render_markdown(text: str) -> Markup:
    """HTML of a text; what looks like HTML in it is shown, not run."""
    return Markup(_renderer().render(text))  # noqa: S704 - html=False escapes everything that was typed
