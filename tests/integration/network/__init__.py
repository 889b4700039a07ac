"""Tests of the network against PostgreSQL."""
