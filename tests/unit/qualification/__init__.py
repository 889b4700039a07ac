"""Tests of the rules of qualification."""
