"""Tests of reading, checking and completing the reference files; no database."""
