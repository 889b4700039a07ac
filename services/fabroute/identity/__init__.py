"""Organisations, their API keys, the audit log, and replays of requests already answered."""
