"""Bundles from other installations: upload, look before, places and names here, applying, sweeping up."""
