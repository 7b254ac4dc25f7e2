"""The REST API under ``/release/api/v1``."""
