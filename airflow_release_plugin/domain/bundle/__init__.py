"""Bundle files between installations: what they say, what they need, and what is wrong with them here."""
