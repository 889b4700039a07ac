"""Tests of shapes and print files."""
