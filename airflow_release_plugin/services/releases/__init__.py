"""A release from its request to its approval: checks, decisions, breaking the glass, states, progress."""
