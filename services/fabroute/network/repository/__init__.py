"""Statements on the network's tables: its description, and what is reserved of it."""
