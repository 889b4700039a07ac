"""Words that every room shares: ids, money, errors, events and time. Standard library only."""
