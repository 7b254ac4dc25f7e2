"""What a task waits for: the state of a release, a gate, the first runs of what was released."""
