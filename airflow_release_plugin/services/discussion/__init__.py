"""What people say about a release: comments, threads on lines of its changes, and who is told."""
