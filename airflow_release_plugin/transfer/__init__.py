"""The file that carries DAGs to another installation: its layout, limits, signature and keys."""
