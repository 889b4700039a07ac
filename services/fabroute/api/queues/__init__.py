"""Bureaus' queues without a statement for each poll: versions in memory, parked long polls, claims in groups."""
