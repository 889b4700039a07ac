"""Unit tests of freight, duty and carbon."""
