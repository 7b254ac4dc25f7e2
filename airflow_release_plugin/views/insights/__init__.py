"""How well releasing goes: figures, charts with their tables, and downloads."""
