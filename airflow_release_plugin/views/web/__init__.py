"""What every page stands on: the user, the request, errors, static files."""
