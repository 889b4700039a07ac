"""Tests of logistics against PostgreSQL."""
