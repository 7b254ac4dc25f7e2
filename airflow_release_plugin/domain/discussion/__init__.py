"""What people say about a release: how long it may be, whom it names, and which line it is about."""
