"""What people release: the list of candidates, releases, their records, decisions, and going back."""
