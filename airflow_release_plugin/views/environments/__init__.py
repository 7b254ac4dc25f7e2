"""Where environments stand, and what was changed there by hand."""
