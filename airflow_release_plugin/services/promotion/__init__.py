"""The only way into the target: promotions, what they meet there, what it holds and held, putting it back."""
