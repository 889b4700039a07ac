"""Events kept in the transaction that made them true, then delivered at least once."""
