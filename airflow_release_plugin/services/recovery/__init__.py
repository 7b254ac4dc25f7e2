"""What nobody works on any more is found, said, and given a way out."""
