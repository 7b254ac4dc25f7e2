"""Icons, drawn on a 16 x 16 grid in the colour of the text around them."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

SHAPES: Mapping[str, str] = {
    "alert": '<path d="M8 2.2 14.3 13.2H1.7Z"/><path d="M8 6.6v3M8 11.4v.1"/>',
    "arrow-right": '<path d="M2.8 8h10M9 4.2 12.8 8 9 11.8"/>',
    "arrow-up": '<path d="M8 13.2v-10M4.2 7 8 3.2 11.8 7"/>',
    "check": '<path d="m2.8 8.6 3.4 3.4 7-7.6"/>',
    "chevron-left": '<path d="M10 3.5 5.5 8l4.5 4.5"/>',
    "chevron-right": '<path d="M6 3.5 10.5 8 6 12.5"/>',
    "clock": '<circle cx="8" cy="8" r="6"/><path d="M8 4.6V8l2.4 1.6"/>',
    "code": '<path d="M5.4 4.4 1.8 8l3.6 3.6M10.6 4.4 14.2 8l-3.6 3.6"/>',
    "cross": '<path d="m3.8 3.8 8.4 8.4M12.2 3.8l-8.4 8.4"/>',
    "dot": '<circle cx="8" cy="8" r="2.6"/>',
    "down": '<path d="M8 3v10M4.2 9.2 8 13l3.8-3.8"/>',
    "external": '<path d="M9.4 2.6h4v4M13.2 2.8 7.4 8.6M6.4 3.6H3v9.4h9.4V9.6"/>',
    "file": '<path d="M3.6 1.8h5.6l3.2 3.2v9.2H3.6ZM9 2v3.2h3.2"/>',
    "forbidden": '<circle cx="8" cy="8" r="6"/><path d="m3.8 3.8 8.4 8.4"/>',
    "grip": '<path d="M6 3.5v.1M10 3.5v.1M6 8v.1M10 8v.1M6 12.5v.1M10 12.5v.1"/>',
    "minus": '<path d="M3 8h10"/>',
    "package": '<path d="M8 1.6 13.8 4.8v6.4L8 14.4 2.2 11.2V4.8ZM2.4 4.9 8 8l5.6-3.1M8 8v6.2"/>',
    "pencil": '<path d="m2.6 13.4.7-3.2 7.4-7.4 2.5 2.5-7.4 7.4Z"/>',
    "people": '<circle cx="6" cy="5.4" r="2.5"/><path d="M1.4 13.6c.3-2.8 2-4.2 4.6-4.2s4.3 1.4 4.6 4.2"/>'
    '<path d="M10.4 3.2a2.4 2.4 0 0 1 0 4.4M12 9.8c1.6.5 2.4 1.8 2.6 3.8"/>',
    "person": '<circle cx="8" cy="5" r="2.9"/><path d="M2.6 14c.4-3.2 2.5-4.8 5.4-4.8s5 1.6 5.4 4.8"/>',
    "play": '<path d="M4.6 2.8v10.4L13 8Z"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "retry": '<path d="M13 8a5 5 0 1 1-1.6-3.7M13.2 1.8v3.2h-3.2"/>',
    "rules": '<circle cx="4" cy="3.8" r="1.8"/><circle cx="4" cy="12.2" r="1.8"/><path d="M4 5.6v4.8"/>'
    '<path d="M5.8 3.8H10a2.2 2.2 0 0 1 2.2 2.2v6.4M9.8 10.2l2.4 2.4 2.4-2.4"/>',
    "search": '<circle cx="7" cy="7" r="4.6"/><path d="m10.4 10.4 3.4 3.4"/>',
    "sort": '<path d="M5 3v10M2.8 10.8 5 13l2.2-2.2M11 13V3M8.8 5.2 11 3l2.2 2.2"/>',
    "trash": '<path d="M2.6 4.4h10.8M6 4.2V2.4h4v1.8M4 4.6l.7 9h6.6l.7-9M6.7 7v4.2M9.3 7v4.2"/>',
    "undo": '<path d="M2.8 6.2h7a3.4 3.4 0 0 1 0 6.8H6M5.8 3 2.6 6.2l3.2 3.2"/>',
    "up": '<path d="M8 13V3M4.2 6.8 8 3l3.8 3.8"/>',
}
FRAME = (
    '<svg class="icon" width="{size}" height="{size}" viewBox="0 0 16 16" fill="none" stroke="currentColor"'
    ' stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">'
    "{shape}</svg>"
)


def icon(name: str, size: int = 16) -> Markup:
    """Return an inline SVG; decoration only, the word beside it says what it means."""
    return Markup(FRAME).format(size=size, shape=Markup(SHAPES[name]))  # noqa: S704 - our own constants
