"""From what services answer to what the API answers, where that is more than reading attributes."""
