"""What one person is told: their list, the messages and the digest that they chose."""
