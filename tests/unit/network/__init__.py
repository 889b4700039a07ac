"""Unit tests of the network room."""
