"""Tests of the reference data and its loading."""
