"""Sandbox organisations, whose nodes answer by themselves."""
