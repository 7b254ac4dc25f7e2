"""A release as plain data: what changes, what was found, how far it is, and how risky that is."""
