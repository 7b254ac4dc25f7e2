"""One revision in each file, numbered in the order in which they run."""
