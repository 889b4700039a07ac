"""Tests of the inventory against PostgreSQL."""
