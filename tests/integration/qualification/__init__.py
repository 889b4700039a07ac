"""Tests of qualification against PostgreSQL."""
