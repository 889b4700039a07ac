"""Unit tests of the logistics room."""
