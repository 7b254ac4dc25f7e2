"""Bundles for other installations: what is wished for, what goes into the file, making it, fetching it."""
