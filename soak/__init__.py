"""Plays years of a team against the real use cases, and says whether what has an end stays as it is."""
