"""Tests of the inventory's rules."""
