"""Unit tests of estimation."""
