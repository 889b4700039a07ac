"""Any sequence of orders, claims, lapses, losses, crashes and late reports on PostgreSQL, against a model in Python."""
