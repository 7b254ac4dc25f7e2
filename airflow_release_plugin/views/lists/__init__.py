"""What all lists have: filters that people save."""
