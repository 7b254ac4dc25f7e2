"""Taking over what an environment runs today, before anything is released to it."""
