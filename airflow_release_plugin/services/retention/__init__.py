"""What goes after its time, and what never does."""
