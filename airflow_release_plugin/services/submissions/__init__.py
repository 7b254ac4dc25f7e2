"""Before a release: what the source has that the target has not, and handing in versions of it."""
