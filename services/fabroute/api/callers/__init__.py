"""Who calls: from which address, how often with wrong keys, and when each key was last used."""
