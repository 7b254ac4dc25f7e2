"""One page in two languages: what was filled in and opened on one is filled in and opened on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Frame

# Where a field is on a page, whatever its language; and which of the buttons that open a dialog was pressed
# last. A button is known by what it opens: what stands before it may have come or gone meanwhile.
_PLACES = """
    window.placeOf = element => {
        if (element === document.body) return "body";
        const number = [...element.parentElement.children].indexOf(element) + 1;
        return `${placeOf(element.parentElement)} > :nth-child(${number})`;
    };
    addEventListener("click", event => {
        const pressed = event.target.closest("[data-dialog], [data-opens], [data-opens-search]");
        if (!pressed) return;
        const named = ["data-dialog", "data-opens", "data-opens-search"]
            .find(name => pressed.hasAttribute(name));
        const alike = `[${named}="${pressed.getAttribute(named)}"]`;
        window.lastOpener = [alike, [...document.querySelectorAll(alike)].indexOf(pressed)];
    }, true);
"""
_STATE = """() => ({
    fields: [...document.querySelectorAll("input:not([type=hidden]), textarea, select")]
        .map(field => [placeOf(field), field.value, field.checked]),
    opener: document.querySelector("dialog[open]") ? window.lastOpener : null,
})"""
_FILL = """fields => {
    for (const [place, value, checked] of fields) {
        const field = document.querySelector(place);
        // A filter of a list is in the address, and sends itself when it changes.
        if (!field || field.type === "file" || field.form?.method === "get") continue;
        if (field.value === value && field.checked === checked) continue;
        field.value = value;
        if (checked !== undefined) field.checked = checked;
        for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
    }
}"""
_FETCH_MS = 1500


def watch(context: BrowserContext) -> None:
    """Let the pages of a browser session remember what was pressed."""
    context.add_init_script(_PLACES)


def visit(here: Frame, there: Frame) -> None:
    """Open in ``there`` the address of ``here`` as somebody would who has typed nothing yet."""
    there.evaluate("sessionStorage.clear()")  # a draft kept from the picture before would come again
    there.goto(here.url)


def repeat(here: Frame, there: Frame) -> None:
    """Bring the page ``there``, at the same address, to where the one ``here`` is."""
    state = here.evaluate(_STATE)
    there.evaluate(_FILL, state["fields"])
    if state["opener"]:
        alike, number = state["opener"]
        there.locator(alike).nth(number).click()
        there.locator("dialog[open]").wait_for()
        there.wait_for_timeout(_FETCH_MS)  # what a dialog asks the server for
        there.evaluate(_FILL, state["fields"])
