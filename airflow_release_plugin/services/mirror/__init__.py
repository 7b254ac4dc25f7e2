"""The git mirror: pushing to it, how it stands, and what to do when somebody else moved it."""
