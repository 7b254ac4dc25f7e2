"""The REST API as typed calls, for whatever runs far from the database."""
