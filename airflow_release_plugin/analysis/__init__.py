"""What files say about themselves: closure, references, structure, diffs; and parsing them apart."""
