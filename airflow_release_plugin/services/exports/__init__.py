"""Bundles for other installations: what is asked for, what goes into the file, making it, fetching it."""
