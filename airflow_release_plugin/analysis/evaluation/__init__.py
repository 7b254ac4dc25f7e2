"""Evaluates the constants of Python code from its text, without importing or running anything."""
