"""The engine for large scopes."""
