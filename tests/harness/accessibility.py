"""What keeps people from using a page, as axe finds it, and what only a mouse reaches."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""WCAG 2.2 up to level AA, and what axe holds to be good practice besides."""

_REST = ["tbody tr:nth-child(n + 21)", ".diff-line:nth-child(n + 21)"]
"""Rows of one table are alike, and so are lines of code; a thousand of them would take seconds."""
_FIND = """async ([where, rest, tags]) => {
  const rules = { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] };
  const found = await axe.run({ include: [where], exclude: rest }, rules);
  return found.violations.flatMap((rule) => rule.nodes.slice(0, 5).map((node) => [
    rule.id, node.target.join(" "),
    [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; ") || rule.help,
  ]));
}"""
# One of each kind: rows have dialogs of their own, which are the same but for a name.
_DIALOGS = """[...new Map([...document.querySelectorAll("dialog[id]")]
  .map((dialog) => [dialog.id.replace(/[0-9]+/g, "#"), dialog.id])).values()]"""
_ONLY_BY_MOUSE = """[...document.querySelectorAll("body *")]
  .filter((part) => getComputedStyle(part).cursor === "pointer" && part.getClientRects().length)
  .filter((part) => !part.closest("a[href], button, input, select, textarea, summary, label, [role=option]"))
  .map((part) => part.outerHTML.slice(0, 120))"""


def obstacles(page: Page, *, dialogs: bool) -> list[str]:
    """
    What is wrong on the page as it is.

    :param dialogs: whether to open one dialog of each kind after the other, too
    """
    # Not a script of the page, so its content security policy has no say.
    page.evaluate(AXE_SCRIPT)
    found = _violations(page, "html")
    found += [f"only a mouse reaches {part}" for part in page.evaluate(_ONLY_BY_MOUSE)]
    for dialog in page.evaluate(_DIALOGS) if dialogs else ():
        page.evaluate("id => document.getElementById(id).showModal()", dialog)
        found += _violations(page, f"#{dialog}")
        page.evaluate("id => document.getElementById(id).close()", dialog)
    return found


def _violations(page: Page, where: str) -> list[str]:
    rows: list[Any] = page.evaluate(_FIND, [where, _REST, TAGS])
    return [f"{where}: {rule} at {target}: {message}" for rule, target, message in rows]
