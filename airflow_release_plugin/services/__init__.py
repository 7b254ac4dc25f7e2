"""Use cases, one file per noun. Authorisation happens here; whoever calls adds nothing to it."""
