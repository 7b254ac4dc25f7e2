"""How well releasing goes: facts that are noted while it happens, and the figures that are made of them."""
