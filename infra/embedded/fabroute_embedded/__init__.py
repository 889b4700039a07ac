"""PostgreSQL and Redis out of wheels, for demos and tests: private to their owner, gone when the owner is gone."""
