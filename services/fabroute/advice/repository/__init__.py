"""Statements on the tables of advice."""
