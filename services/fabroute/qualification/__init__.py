"""Certificates of nodes and first articles of parts: who may print what, and until when."""
