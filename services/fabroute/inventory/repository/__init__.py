"""Statements on the inventory's tables. Revisions, files and documents change only under their part's lock."""
