"""Bundles from other installations: upload, preflight, places and names here, applying, cleaning up."""
