"""Files that leave the installation, for another one or for an archive: layout, limits, signature, keys."""
