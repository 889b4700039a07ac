"""Orders and their lines: taken once, never lost, each with an outcome that says why."""
