"""Bundles for other installations and from them."""
