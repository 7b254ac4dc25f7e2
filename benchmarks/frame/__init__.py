"""What every row shares: how it is declared, measured in turn with its peer, kept and shown."""
