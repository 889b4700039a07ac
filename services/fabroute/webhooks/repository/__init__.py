"""Statements on the tables of webhooks."""
