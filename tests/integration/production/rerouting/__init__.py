"""Re-routes on a real database, with the runs that decide them."""
