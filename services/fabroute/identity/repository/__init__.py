"""Statements on organisations, API keys and audit entries."""
