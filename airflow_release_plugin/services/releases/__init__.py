"""A release from its request to its approval: checks, decisions, emergencies, states; and how far it is."""
