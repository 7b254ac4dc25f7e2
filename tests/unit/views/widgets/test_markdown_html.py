from __future__ import annotations

import pytest

from airflow_release_plugin.views.widgets.markdown_html import render_markdown


@pytest.mark.req("R37")
def test_markdown_becomes_html() -> None:
    assert render_markdown("**12** rows\n\n| a |\n|---|\n| 1 |").startswith("<p><strong>12</strong> rows</p>")


@pytest.mark.req("R37")
@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](http://evil.example/p.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHN2Zz4=)",
        "<a href='x' onclick='y'>z</a>",
    ],
)
def test_what_could_run_or_load_is_shown_as_text(text: str) -> None:
    html = render_markdown(text)
    assert not any(bad in html for bad in ("<script", "<img", 'href="javascript', 'href="data:', "<a href='"))
