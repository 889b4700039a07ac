"""Statements on orders and order lines."""
