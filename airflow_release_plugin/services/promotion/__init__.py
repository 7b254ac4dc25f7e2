"""The target: how releases reach it, what they meet there, what it holds and held, and putting it back."""
