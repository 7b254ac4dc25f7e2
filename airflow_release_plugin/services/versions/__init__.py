"""What releases are made of: the source, units and their versions, how these differ, how risky that is."""
